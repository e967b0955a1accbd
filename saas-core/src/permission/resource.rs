use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Permission;

/// A kind of thing of which people may hold permissions one by one: for those that they made, and for those that were shared with them.
///
/// Its table has `tenant_id` and `id`, and a migration has called `core.shareable` for it, which ends shares with what they are of.
///
/// ```
/// use saas_core::Resource;
///
/// saas_core::ids! {
///     /// A report.
///     pub ReportId;
/// }
/// saas_core::permissions! {
///     /// See reports.
///     pub ReportRead = "app.report.read";
///     /// Write reports.
///     pub ReportWrite = "app.report.write";
///     /// Share reports.
///     pub ReportShare = "app.report.share";
/// }
///
/// struct Report;
///
/// impl Resource for Report {
///     type Id = ReportId;
///     type Share = ReportShare;
///     const KIND: &'static str = "app.report";
///     const TABLE: &'static str = "report";
///     const TITLE: &'static str = "name";
///     const AUTHOR: Option<&'static str> = Some("created_by");
///     const VIEW: &'static [&'static str] = &["app.report.read"];
///     const EDIT: &'static [&'static str] = &["app.report.write"];
/// }
/// ```
///
/// # Security
///
/// What stands here becomes part of statements: constants of the program and nothing else.
pub trait Resource: Send + Sync + 'static {
    /// What it is referred to by.
    type Id: Copy + Into<Uuid> + FromStr + fmt::Display + ToSchema + Send + Sync + 'static;
    /// What it takes to share one. Whoever holds it for what is their own shares what they made; that something was shared with somebody gives it to
    /// nobody.
    type Share: Permission;
    /// What it is called in shares and events: `crate.noun`, as in the migration.
    const KIND: &'static str;
    /// Its table.
    const TABLE: &'static str;
    /// The column with the name that people know one by.
    const TITLE: &'static str;
    /// The column that says who made one, if people do.
    const AUTHOR: Option<&'static str>;
    /// The names of the permissions that somebody has for one that was shared with them to look at.
    const VIEW: &'static [&'static str];
    /// Those that they have besides for one that was shared with them to work on.
    const EDIT: &'static [&'static str];
}

/// How far something is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShareLevel {
    /// To look at.
    View,
    /// To look at and to work on.
    Edit,
}

impl ShareLevel {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::View, Self::Edit];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Edit => "edit",
        }
    }

    /// What is stored, read again. The table's constraint lets nothing else in, and what is unknown gives least.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        if text == Self::Edit.as_str() { Self::Edit } else { Self::View }
    }

    /// The permissions that it gives, of those that a kind of thing has for looking and for working.
    #[must_use]
    pub fn gives(self, view: &'static [&'static str], edit: &'static [&'static str]) -> Vec<&'static str> {
        let edit = if self == Self::Edit { edit } else { &[] };
        view.iter().chain(edit).copied().collect()
    }

    /// The least that gives a permission for a thing; none if no share does.
    pub(super) fn least<R: Resource>(permission: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.gives(R::VIEW, R::EDIT).contains(&permission))
    }
}
