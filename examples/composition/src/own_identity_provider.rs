//! People are known elsewhere: a gateway signs them in and says who they are. saas-core and saas-tenancy do the rest; saas-auth is left out.
//!
//! The gateway sends `X-Identity: <id>.<signature>`, an HMAC of the id under a key that it shares with the program. Take the place of
//! `identified` with whatever your provider says: a session of its own, a token that you check, a client's certificate.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use http::HeaderMap;
use saas_admin::{ComposeError, Product, Program};
use saas_core::{Db, DbError, MasterKey, Membership, Principal, Problem, Purpose, Routes, SessionId, SignedIn, UserId};
use saas_tenancy::{Header, Tenancy};
use sqlx::types::Json;
use uuid::Uuid;

use crate::note;

/// What the gateway signs.
const IDENTITY: Purpose = Purpose::new("identities of the gateway");

/// The product, for the command line.
#[must_use]
pub fn product() -> Product {
    Product {
        name: "own-identity-provider",
        title: "Own identity provider",
        migrations: &[saas_tenancy::MIGRATIONS],
        events: &[saas_tenancy::EVENTS],
        pages: &[saas_tenancy::PAGES],
        nav: &[],
        plans: None,
        flags: &[],
        compose,
    }
}

/// A layer of the product's own puts the [`Principal`] on each request, where saas-auth's would.
///
/// # Errors
///
/// Fails if a part cannot be set up.
pub fn compose(program: &Program) -> Result<Routes, ComposeError> {
    let tenancy = Tenancy::new(&program.db, Header::new("x-organization"), note::roles());
    let gateway = Gateway { db: program.db.clone(), keys: program.master_key.clone() };
    Ok(note::routes().layer(tenancy.layer()).merge(tenancy.routes()).layer(middleware::from_fn_with_state(gateway, identify)))
}

#[derive(Clone)]
struct Gateway {
    db: Db,
    keys: MasterKey,
}

async fn identify(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    let principal = match identified(&gateway, request.headers()) {
        None => Principal::Anonymous,
        Some(user) => match signed_in(&gateway.db, user).await {
            Ok(me) => Principal::User(Arc::new(me)),
            Err(error) => return Problem::from(error).into_response(),
        },
    };
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal);
    response
}

/// Who the gateway says it is; nobody if it did not say it.
fn identified(gateway: &Gateway, headers: &HeaderMap) -> Option<UserId> {
    let (id, signature) = headers.get("x-identity")?.to_str().ok()?.split_once('.')?;
    let signature: Vec<u8> =
        (0..signature.len()).step_by(2).map_while(|at| u8::from_str_radix(signature.get(at..at + 2)?, 16).ok()).collect();
    if gateway.keys.signed(IDENTITY, id.as_bytes(), &signature) { id.parse().ok() } else { None }
}

/// What the gateway sends for a person.
#[must_use]
pub fn identity(keys: &MasterKey, user: UserId) -> String {
    let id = user.to_string();
    let signature = keys.sign(IDENTITY, id.as_bytes());
    signature.iter().fold(format!("{id}."), |mut text, byte| {
        // Writing to a String cannot fail.
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok());
        text
    })
}

/// The person with the organizations that they belong to, as they are now: that is what rights come of. Whoever comes for the first time is made
/// known; the row is all that saas-core wants of a person.
async fn signed_in(db: &Db, user: UserId) -> Result<SignedIn, DbError> {
    const PLACES: &str = "select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'role', m.role)), '[]')
        from core.member m join core.tenant t on t.id = m.tenant_id
        where m.user_id = $1 and m.left_at is null and t.state = 'active'";
    let mut tx = db.person(user).read_only(true).begin().await?;
    let Json(memberships): Json<Vec<Membership>> = sqlx::query_scalar(PLACES).bind(Uuid::from(user)).fetch_one(&mut *tx).await?;
    drop(tx);
    if memberships.is_empty() {
        let mut tx = db.system("a person comes for the first time").begin().await?;
        let now = tx.now();
        let known = sqlx::query("insert into core.user (id, created_at) values ($1, $2) on conflict do nothing");
        known.bind(Uuid::from(user)).bind(now).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    // The session is the gateway's; here it names the request in what may ask for one.
    let mut me = SignedIn::new(user, SessionId::new());
    (me.name, me.email, me.verified) = (user.to_string(), format!("{user}@gateway.example"), true);
    me.memberships = memberships;
    Ok(me)
}
