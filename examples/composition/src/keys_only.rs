//! An API and nothing else: customers' programs come with keys, which the back office makes. Nobody signs in, and there are no pages but those of
//! every program.

use std::sync::Arc;

use saas_admin::{ComposeError, Product, Program};
use saas_auth::{ApiKeyError, Auth, NewApiKey, Scope};
use saas_core::{Actor, Permission as _, Routes, Secret, Standing, TenantId, UserId};
use saas_tenancy::{Header, Tenancy};

use crate::note::{self, NoteRead};

/// What keys may be given.
const SCOPES: &[Scope] = &[Scope::of::<NoteRead>("keys-only-notes", "keys-only-read")];

/// The product, for the command line.
#[must_use]
pub fn product() -> Product {
    Product {
        name: "keys-only",
        title: "Keys only",
        migrations: &[saas_auth::MIGRATIONS, saas_tenancy::MIGRATIONS],
        events: &[saas_auth::EVENTS, saas_tenancy::EVENTS],
        pages: &[saas_auth::PAGES, saas_tenancy::PAGES],
        nav: &[],
        plans: None,
        flags: &[],
        compose,
    }
}

/// Of saas-auth the layer alone, which knows the keys: its routes are left out.
///
/// # Errors
///
/// Fails if a part cannot be set up.
pub fn compose(program: &Program) -> Result<Routes, ComposeError> {
    let auth = auth(program)?;
    let tenancy = Tenancy::new(&program.db, Header::new("x-organization"), note::roles());
    let keys = SCOPES.iter().map(|scope| scope.permission);
    Ok(note::routes().layer(tenancy.layer()).layer(auth.layer()).open_to_keys(keys))
}

fn auth(program: &Program) -> Result<Auth, ComposeError> {
    let (outbox, pages) = (program.outbox.clone(), program.pages.clone());
    let builder = Auth::builder(&program.db, &program.master_key, outbox, pages, program.public_url.clone());
    Ok(builder.agent_key_prefix("note").scopes(SCOPES).insecure_lan(program.insecure_lan).build()?)
}

/// What the back office does for a customer: a key of the organization, made by the person there who answers for it. It works for as long as they
/// belong to it.
///
/// # Errors
///
/// Fails if the person does not belong to the organization, or the database fails.
pub async fn key_for(program: &Program, organization: TenantId, maker: UserId, name: &str) -> Result<Secret, ComposeError> {
    let auth = auth(program)?;
    let standing = Standing {
        tenant: organization,
        slug: Arc::from(""),
        name: Arc::from(""),
        actor: Actor::User(maker),
        role: Arc::from("owner"),
        permissions: Arc::from([NoteRead::NAME]),
        revision: None,
    };
    let new = NewApiKey { name: name.to_owned(), scopes: vec![NoteRead::NAME.to_owned()], ..NewApiKey::default() };
    let mut tx = program.db.tenant(organization).acting(maker).begin().await?;
    let (_, key) = auth.api_key_create_in(&mut tx, &standing, &new).await.map_err(|error: ApiKeyError| Box::new(error) as ComposeError)?;
    tx.commit().await?;
    Ok(key)
}
