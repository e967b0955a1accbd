//! The mistakes, as a table: what each is called, how it is made, and what must be found then.

/// A mistake, and what it is found by.
#[derive(Debug, Clone, Copy)]
pub struct Hole {
    /// What it is.
    pub name: &'static str,
    /// How it is made.
    pub plant: Plant,
    /// All that is found: where, and the attacks that get through there.
    pub found: &'static [(&'static str, &'static [&'static str])],
}

/// How a mistake is made.
#[derive(Debug, Clone, Copy)]
pub enum Plant {
    /// By a migration: statements of the owner.
    Migration(&'static str),
    /// In the code.
    Code(Mistake),
}

/// A mistake in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A cache whose key is the note's id alone.
    CacheOfAll,
    /// An answer that any cache may keep.
    PublicAnswer,
    /// A mark of a version that is the same for every organization.
    TagOfAll,
    /// A handler that asks whether somebody belongs here, and not what they may.
    NoPermission,
    /// A handler that believes which organization the body names.
    TenantFromBody,
    /// A handler that looks across organizations, with the rights of the system.
    SystemRead,
    /// What the database said is sent on.
    ErrorText,
    /// What is somebody else's is forbidden, where what never was is not found.
    Forbidden,
    /// What is read leaves a mark of having been read.
    WritingGet,
}

const SHOW: &str = "GET /api/v1/notes/{id}";
const LIST: &str = "GET /api/v1/notes";

/// By what a table is attacked that no policy guards: whoever asks, and however.
const OPEN: &[&str] = &["T21", "T22", "T23", "T32", "T37", "T40", "T41", "T42", "T43", "T44", "T45", "T46", "T47", "T49", "T50", "T51"];

/// What anybody may ask the server shows it too.
const THROUGH_THE_SERVER: (&str, &[&str]) = ("the server", &["T51"]);

/// All of them.
pub const HOLES: &[Hole] = &[
    Hole {
        name: "a table without row-level security",
        plant: Plant::Migration("alter table data.remark disable row level security"),
        found: &[("data.remark", OPEN), ("data.remark", &["T05-T07"]), THROUGH_THE_SERVER],
    },
    Hole {
        name: "row-level security that is not forced on the owner",
        plant: Plant::Migration("alter table data.note no force row level security"),
        found: &[("data.note", &["T05-T07"])],
    },
    Hole {
        name: "a table without the restrictive policy",
        plant: Plant::Migration("drop policy tenant on data.remark"),
        found: &[("data.remark", OPEN), ("data.remark", &["T08-T09", "T17"]), THROUGH_THE_SERVER],
    },
    Hole {
        name: "a policy that writes for everybody",
        plant: Plant::Migration(
            "drop policy tenant on data.remark;
            create policy tenant on data.remark as restrictive to saas_app
                using (tenant_id = (select core.own_tenant())) with check (true)",
        ),
        found: &[("data.remark", &["T08-T09", "T21", "T22", "T23", "T43", "T45", "T46"]), ("data.remark policy tenant", &["T08-T09"])],
    },
    Hole {
        name: "a foreign key without the tenant",
        plant: Plant::Migration(
            "create unique index note_id on data.note (id);
            comment on index data.note_id is 'global: ids are random';
            alter table data.remark drop constraint remark_note_fkey,
                add constraint remark_note_fkey foreign key (note_id) references data.note (id) on delete cascade",
        ),
        found: &[("data.note", &["T45"]), ("data.remark", &["T52"]), ("data.remark constraint remark_note_fkey", &["T52"])],
    },
    Hole {
        name: "a unique index across tenants, which tells that somebody has a title",
        plant: Plant::Migration("create unique index note_title on data.note (title)"),
        found: &[("data.note", &["T45"]), ("data.note index note_title", &["T54"])],
    },
    Hole {
        name: "a function that runs as its owner",
        plant: Plant::Migration(
            "create function data.title_of(note uuid) returns text language sql security definer
                set search_path = pg_catalog, pg_temp as 'select title from data.note where id = $1';
            revoke all on function data.title_of(uuid) from public;
            grant execute on function data.title_of(uuid) to saas_app",
        ),
        found: &[("data.title_of(note uuid)", &["T15"])],
    },
    Hole {
        name: "a view that runs as its owner",
        plant: Plant::Migration("create view data.notes as select * from data.note; grant select on data.notes to saas_app"),
        found: &[("data.notes", &["T12", "T12-T14"]), THROUGH_THE_SERVER],
    },
    Hole {
        name: "a right that nobody needs",
        plant: Plant::Migration("grant truncate on data.remark to saas_app"),
        found: &[("truncate on data.remark", &["T17"]), ("data.remark", &["T41-T49", "T46", "T48"])],
    },
    Hole {
        name: "a column that no inventory names",
        plant: Plant::Migration("alter table data.note add column colour text"),
        found: &[("data.note.colour", &["CMP-06"])],
    },
    Hole {
        name: "a table that no inventory names",
        plant: Plant::Migration(
            "create table data.stray (tenant_id uuid not null, text text not null, constraint stray_pkey primary key (tenant_id));
            select core.isolate('data.stray')",
        ),
        found: &[("data.stray.tenant_id", &["CMP-06"]), ("data.stray.text", &["CMP-06"]), ("data.stray", &["purge"])],
    },
    Hole { name: "a cache for all tenants together", plant: Plant::Code(Mistake::CacheOfAll), found: &[(SHOW, &["T73"])] },
    Hole { name: "an answer that any cache may keep", plant: Plant::Code(Mistake::PublicAnswer), found: &[(SHOW, &["T62"])] },
    Hole { name: "a tag that is the same for all tenants", plant: Plant::Code(Mistake::TagOfAll), found: &[(LIST, &["T62"])] },
    Hole {
        name: "a route without a permission",
        plant: Plant::Code(Mistake::NoPermission),
        found: &[("DELETE /api/v1/notes/{id}", &["DX-06"])],
    },
    Hole {
        name: "a route that takes the tenant from the body",
        plant: Plant::Code(Mistake::TenantFromBody),
        found: &[("POST /api/v1/notes", &["T65"])],
    },
    Hole { name: "a route that looks across tenants", plant: Plant::Code(Mistake::SystemRead), found: &[(LIST, &["T64"])] },
    Hole {
        name: "a refusal that repeats the database",
        plant: Plant::Code(Mistake::ErrorText),
        found: &[("POST /api/v1/notes", &["error-text"])],
    },
    Hole { name: "a refusal that tells what there is", plant: Plant::Code(Mistake::Forbidden), found: &[(SHOW, &["T57"])] },
    Hole { name: "a read that writes", plant: Plant::Code(Mistake::WritingGet), found: &[(SHOW, &["get-writes"])] },
];
