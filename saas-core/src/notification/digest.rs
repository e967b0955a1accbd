//! The daily mail: what happened to those who want to hear of it once a day.

use chrono::{DateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::query;
use uuid::Uuid;

use super::{NoticeKind, Notifications, unsubscribe};
use crate::{
    Job, JobError, Jobs, SystemDb, SystemRun, TenantId, TimeZone, UserId,
    mail::{
        Envelope, MailInError,
        letters::{Digest, DigestEntry},
    },
};

/// When the mail is written, by the clock of its reader.
const MORNING: NaiveTime = match NaiveTime::from_hms_opt(7, 0, 0) {
    Some(morning) => morning,
    None => NaiveTime::MIN,
};

/// How many events a mail shows; of the others it says how many there are.
const SHOWN: usize = 20;

#[derive(Debug, Serialize, Deserialize)]
struct SendDigests {}

impl Job for SendDigests {
    const NAME: &'static str = "core.notification.digests";
}

/// Whose turn it is.
struct Reader {
    tenant: TenantId,
    user: UserId,
    name: String,
    email: String,
    organization: String,
    is_member: bool,
    locale: Option<String>,
    /// When it was last morning where they are.
    morning: DateTime<Utc>,
}

/// Something that waited for the mail.
struct Told<'a> {
    kind: &'a NoticeKind,
    subject: &'a str,
    data: &'a Value,
    at: DateTime<Utc>,
}

/// When it was last morning: by the name of each time zone, and for those who chose none.
struct Mornings {
    zones: Vec<String>,
    at: Vec<DateTime<Utc>>,
    elsewhere: DateTime<Utc>,
}

impl Mornings {
    fn before(now: DateTime<Utc>) -> Self {
        let (zones, at) = TimeZone::all().map(|zone| (zone.to_string(), zone.last_at(MORNING, now))).unzip();
        Self { zones, at, elsewhere: TimeZone::UTC.last_at(MORNING, now) }
    }
}

/// Those whose mail could not be written in this run.
#[derive(Default)]
struct Left {
    tenants: Vec<Uuid>,
    users: Vec<Uuid>,
}

impl Left {
    fn add(&mut self, tenant: TenantId, user: UserId) {
        self.tenants.push(tenant.into());
        self.users.push(user.into());
    }
}

impl Notifications {
    /// Sends the daily mail each morning at seven where its reader is (UTC for those who chose no time zone), or within the hour.
    pub fn digest_daily(&self, jobs: &Jobs) {
        let notifications = self.clone();
        jobs.on(move |run: SystemRun, _: SendDigests| {
            let notifications = notifications.clone();
            async move { notifications.send_digests(run.db()).await.map(drop).map_err(JobError::from) }
        });
        jobs.cron("0 * * * *", &SendDigests {});
    }

    /// Writes a mail to everybody for whom something has waited since before their last morning, and says to how many. Each is a transaction of its own, so a run that is killed
    /// goes on where it was.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn send_digests(&self, db: &SystemDb) -> Result<u64, MailInError> {
        let (mut sent, mut left) = (0, Left::default());
        let mornings = Mornings::before(db.now());
        while let Some(done) = self.send_digest(db, &mornings, &left).await? {
            match done {
                Ok(()) => sent += 1,
                Err((tenant, user)) => left.add(tenant, user),
            }
        }
        Ok(sent)
    }

    /// The next one, or whose could not be written; nothing if nobody is left.
    async fn send_digest(
        &self,
        db: &SystemDb,
        mornings: &Mornings,
        left: &Left,
    ) -> Result<Option<Result<(), (TenantId, UserId)>>, MailInError> {
        let mut tx = db.begin().await?;
        // Another node that does the same takes somebody else.
        let reader = sqlx::query_as!(
            Reader,
            r#"select member.tenant_id as "tenant: TenantId", member.user_id as "user: UserId", member.name, member.email,
                tenant.name as organization, member.left_at is null as "is_member!", person.locale,
                coalesce(morning.at, $3) as "morning!"
            from core.member member
            join core.tenant tenant on tenant.id = member.tenant_id
            join core.user person on person.id = member.user_id
            left join unnest($1::text[], $2::timestamptz[]) morning (zone, at) on morning.zone = person.time_zone
            where (member.tenant_id, member.user_id) not in (select * from unnest($4::uuid[], $5::uuid[])) and exists (
                select from notification n
                where n.tenant_id = member.tenant_id and n.user_id = member.user_id and n.digest and n.at < coalesce(morning.at, $3)
            )
            limit 1
            for no key update of member skip locked"#,
            &mornings.zones,
            &mornings.at,
            mornings.elsewhere,
            &left.tenants,
            &left.users,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(reader) = reader else { return Ok(None) };
        let waiting = query!(
            r#"with waiting as (
                update notification set digest = false
                where tenant_id = $1 and user_id = $2 and digest
                returning event_id, kind, subject, data, at
            )
            select waiting.kind as "kind!", subject as "subject!", data as "data!", at as "at!", preference.kind is not null as "declined!"
            from waiting
            left join notification_preference preference on preference.tenant_id = $1 and preference.user_id = $2
                and preference.kind = waiting.kind and preference.channel = 'mail' and preference.frequency = 'off'
            order by at desc, event_id"#,
            Uuid::from(reader.tenant),
            Uuid::from(reader.user),
        )
        .fetch_all(&mut *tx)
        .await?;
        // A kind that a later release no longer has is left out, and what its reader has declined meanwhile.
        let known = waiting.iter().filter_map(|row| {
            let kind = self.kind(&row.kind).filter(|kind| kind.mandatory || !row.declined)?;
            Some(Told { kind, subject: &row.subject, data: &row.data, at: row.at })
        });
        let events: Vec<_> = known.collect();
        match self.write_in(&mut tx, &reader, &events).await {
            Ok(()) => {}
            Err(MailInError::Db(error)) => return Err(error.into()),
            // It waits for the next hour, and nobody else waits for it.
            Err(error) => {
                tracing::error!(tenant.id = %reader.tenant, user.id = %reader.user, error = &error as &dyn std::error::Error, "a daily mail could not be written");
                return Ok(Some(Err((reader.tenant, reader.user))));
            }
        }
        tx.commit().await?;
        Ok(Some(Ok(())))
    }

    async fn write_in(&self, tx: &mut crate::SystemTx, reader: &Reader, events: &[Told<'_>]) -> Result<(), MailInError> {
        if !reader.is_member || events.is_empty() {
            return Ok(());
        }
        let outbox = &self.0.outbox;
        let locale = match reader.locale.as_deref().and_then(|locale| locale.parse().ok()) {
            Some(locale) => locale,
            None => outbox.language_in(tx, reader.tenant).await?,
        };
        let entry = |told: &Told<'_>| DigestEntry {
            title: outbox.sentence(locale, told.kind.text, told.data),
            at: told.at,
            href: outbox.link_in(reader.tenant, &told.kind.href(told.subject)),
        };
        let entries: Vec<_> = events.iter().take(SHOWN).map(entry).collect();
        let letter = Digest {
            organization: reader.organization.clone(),
            more: i64::try_from(events.len() - entries.len()).unwrap_or(0),
            entries,
            href: outbox.link_in(reader.tenant, "/notifications"),
            preferences: outbox.link_in(reader.tenant, "/notifications/preferences"),
        };
        let cause = reader.morning.format("%Y-%m-%dT%H:%MZ");
        let mut envelope = Envelope::new(&reader.email, reader.user, cause).named(&reader.name).reader(reader.user).in_language(locale);
        if events.iter().any(|told| !told.kind.mandatory) {
            envelope = envelope.unsubscribe(unsubscribe::link(outbox, &self.0.keys, reader.tenant, reader.user, unsubscribe::DAILY));
        }
        outbox.mail_system_in(tx, Some(reader.tenant), &envelope, &letter).await?;
        Ok(())
    }
}
