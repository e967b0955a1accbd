use std::future::Future;

use axum::extract::{Extension, Request, State};
use http::{HeaderMap, Method, Uri};

use super::Access;
use crate::openapi::{Answers, Operation};

/// What an extractor demands of the caller and reads of the request. Implement it for extractors of your own; most demand nothing.
///
/// ```
/// struct UserAgent(String);
/// impl saas_core::Declares for UserAgent {}
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is no extractor that says what it demands: implement `saas_core::Declares` for it")]
pub trait Declares {
    /// Who may call a handler that uses this extractor.
    #[must_use]
    fn access() -> Access {
        Access::public()
    }

    /// Says in the OpenAPI document what it reads.
    fn describe(_: &mut Operation) {}
}

impl<T> Declares for State<T> {}
impl<T> Declares for Extension<T> {}
impl Declares for HeaderMap {}
impl Declares for Method {}
impl Declares for Uri {}
impl Declares for Request {}
impl Declares for bytes::Bytes {}

/// An optional extractor settles nothing, so it demands nothing.
impl<T> Declares for Option<T> {}

/// A handler whose parameters and answer say what it demands, reads and gives. `T` are its parameters, as axum names them in its
/// `Handler<T, S>`.
#[diagnostic::on_unimplemented(
    message = "this handler does not say all of itself",
    note = "each parameter implements `saas_core::Declares`, and what it returns `saas_core::Answers`",
    note = "the types in `Json`, `Query` and `Path` derive `utoipa::ToSchema`"
)]
pub trait Described<T> {
    /// Who may call it.
    #[must_use]
    fn access() -> Access;
    /// What the OpenAPI document says of it.
    #[must_use]
    fn operation() -> Operation;
}

macro_rules! described {
    ($($name:ident)*) => {
        impl<F, Fut, Answer, M, $($name,)*> Described<(M, $($name,)*)> for F
        where
            F: FnOnce($($name),*) -> Fut,
            Fut: Future<Output = Answer>,
            Answer: Answers,
            $($name: Declares,)*
        {
            fn access() -> Access {
                Access::public()$(.and($name::access()))*
            }

            fn operation() -> Operation {
                let mut operation = Operation::default();
                $($name::describe(&mut operation);)*
                Answer::describe(&mut operation);
                operation
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
described!(A B C D E G H);
described!(A B C D E G H I);
