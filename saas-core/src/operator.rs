//! Those who run the product, beside all tenants. What they may do comes with their session at each request, so whoever is named or no longer named is so
//! from the next one on; no key, token or machine ever is one of them.
//!
//! ```
//! use saas_core::operator::{Operator, Support};
//!
//! async fn greet(operator: Operator<Support>) -> String {
//!     format!("Hello, {}", operator.me().name)
//! }
//! ```

use std::{marker::PhantomData, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Access, Declares, Principal, Problem, ProblemType, SignedIn};

/// What somebody who runs the product may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OperatorRole {
    /// Look at things.
    ReadOnly,
    /// Help people.
    Support,
    /// Everything.
    Admin,
}

impl OperatorRole {
    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

/// What a handler demands of those who run the product.
pub trait OperatorLevel: Send + Sync + 'static {
    /// The least that they must be.
    const ROLE: OperatorRole;
}

/// Whoever runs the product, as whatever.
#[derive(Debug, Clone, Copy)]
pub struct ReadOnly;

/// Whoever may help people.
#[derive(Debug, Clone, Copy)]
pub struct Support;

/// Whoever may do everything.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

impl OperatorLevel for ReadOnly {
    const ROLE: OperatorRole = OperatorRole::ReadOnly;
}

impl OperatorLevel for Support {
    const ROLE: OperatorRole = OperatorRole::Support;
}

impl OperatorLevel for Admin {
    const ROLE: OperatorRole = OperatorRole::Admin;
}

/// Proof that the caller runs the product and is at least `L` there, in a session in which they have shown a second factor.
///
/// # Security
///
/// Everybody else gets 404, strangers and programs too, so nobody learns from an answer who runs the product. One of them without a second factor gets
/// 403 `second-factor-required`, and a browser the page where it is set up; one who is less than `L` gets 403.
#[derive(Debug, Clone)]
pub struct Operator<L> {
    me: Arc<SignedIn>,
    level: PhantomData<fn() -> L>,
}

impl<L> Operator<L> {
    /// Who it is.
    #[must_use]
    pub fn me(&self) -> &SignedIn {
        &self.me
    }
}

impl<S: Send + Sync, L: OperatorLevel> FromRequestParts<S> for Operator<L> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let me = match parts.extensions.get::<Principal>() {
            Some(Principal::User(me)) => Arc::clone(me),
            Some(_) => return Err(Problem::not_found()),
            None => return Err(Problem::missing_layer("one that authenticates")),
        };
        let role = me.operator.ok_or_else(Problem::not_found)?;
        if !me.second_factor {
            return Err(Problem::new(&ProblemType::SECOND_FACTOR_REQUIRED).first("/account/security"));
        }
        if role < L::ROLE {
            return Err(Problem::forbidden());
        }
        Ok(Self { me, level: PhantomData })
    }
}

impl<L: OperatorLevel> Declares for Operator<L> {
    fn access() -> Access {
        Access::operator(L::ROLE)
    }
}
