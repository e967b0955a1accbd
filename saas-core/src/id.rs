//! Typed ids: a tenant's id cannot be passed where a user's is wanted.

use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type};

/// Declares newtype ids over a version 7 UUID (RFC 9562), which sorts by the time it was made.
///
/// ```
/// saas_core::ids! {
///     /// A device on a network.
///     pub DeviceId;
/// }
/// let id = DeviceId::new();
/// assert_eq!(id.to_string().parse::<DeviceId>().ok(), Some(id));
/// ```
#[macro_export]
macro_rules! ids {
    ($($(#[doc = $doc:literal])* $vis:vis $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            $crate::__private::serde::Serialize, $crate::__private::serde::Deserialize,
            $crate::__private::sqlx::Type,
        )]
        #[serde(crate = "saas_core::__private::serde", transparent)]
        #[sqlx(transparent)]
        $vis struct $name($crate::__private::uuid::Uuid);

        impl $name {
            /// A new id, unlike any other.
            #[must_use]
            pub fn new() -> Self {
                Self($crate::__private::uuid::Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl From<$crate::__private::uuid::Uuid> for $name {
            fn from(id: $crate::__private::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for $crate::__private::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $crate::__private::utoipa::PartialSchema for $name {
            fn schema() -> $crate::__private::utoipa::openapi::RefOr<$crate::__private::utoipa::openapi::Schema> {
                $crate::__private::id_schema(concat!($($doc),*))
            }
        }

        impl $crate::__private::utoipa::ToSchema for $name {}

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::__private::uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

/// What the document says of an id.
#[must_use]
pub fn id_schema(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .description(Some(description.trim()))
        .into()
}

ids! {
    /// A tenant: an organization that pays, or could.
    pub TenantId;
    /// A part of a tenant: a site or a project. The first one has the id of its tenant.
    pub WorkspaceId;
    /// A person, whatever tenants they belong to.
    pub UserId;
    /// A machine that acts for one tenant.
    pub AgentId;
    /// An API key of a tenant.
    pub KeyId;
    /// One browser or client that a person has signed in with.
    pub SessionId;
    /// The tokens of one program that a person lets act for them, each made in the place of the one before.
    pub TokenFamilyId;
    /// One thing that happened.
    pub EventId;
}

/// The first workspace, which every tenant has.
impl From<TenantId> for WorkspaceId {
    fn from(tenant: TenantId) -> Self {
        uuid::Uuid::from(tenant).into()
    }
}
