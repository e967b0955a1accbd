//! What the program does by itself each day.

use std::{collections::BTreeSet, time::Duration};

use saas_core::testing::EmptyDatabase;
use sqlx::{Connection as _, PgConnection};

use crate::process::{Settings, folder, wait_until};

/// Deleted files, ended sessions, used links, old invitations and sent letters do not stay for ever, whoever wanted to be deleted is, and the daily mail is sent: the running program has all of it
/// on its schedule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_program_cleans_up_and_sends_the_daily_mail() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let owner = database.owner_url().expose().to_owned();
    let server = Settings::serving(folder.path()).set("DATABASE_URL", &owner).start().await;
    let mut connection = PgConnection::connect(&owner).await.unwrap();
    let expected = [
        "auth.erase",
        "auth.signing_keys",
        "core.audit.keep",
        "core.audit.prune",
        "core.file.sweep",
        "core.notification.digests",
        "core.push.forget",
        "core.sweep",
        "tenancy.export.sweep",
        "tenancy.purge",
    ]
    .map(str::to_owned);
    let mut scheduled = BTreeSet::new();
    wait_until("the schedule is known", Duration::from_secs(30), async || {
        let query = "select identifier from graphile_worker._private_known_crontabs";
        scheduled = sqlx::query_scalar::<_, String>(query).fetch_all(&mut connection).await.unwrap().into_iter().collect();
        expected.iter().all(|name| scheduled.contains(name))
    })
    .await;
    server.kill().await;
}
