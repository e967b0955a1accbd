//! Organizations, their workspaces, members and roles, and the layer that finds the tenant of a request.
//!
//! ```no_run
//! use saas_core::{Db, Permission as _, Routes};
//! use saas_tenancy::{ActiveOrganization, Header, ResolveTenant as _, Role, Roles, Tenancy};
//!
//! saas_core::permissions! {
//!     /// See devices.
//!     pub DeviceRead = "monitoring.device.read";
//! }
//!
//! fn routes(db: &Db, devices: Routes) -> Routes {
//!     let roles = Roles::new(&[(DeviceRead::NAME, Role::ALL)]);
//!     let tenancy = Tenancy::new(db, Header::new("x-organization").or(ActiveOrganization), roles);
//!     devices.layer(tenancy.layer()).merge(tenancy.routes())
//! }
//! ```

mod active;
mod deletion;
mod export;
mod flag;
mod invitation;
mod layer;
mod member;
mod migrations;
mod onboarding;
mod organization;
mod ownership;
mod resolve;
mod role;
mod seats;
mod second_factor;
mod settings;
mod share;
mod workspace;

use std::{fmt, sync::Arc};

use active::OrganizationCookie;
use layer::Purpose;
use resolve::Host;
use saas_core::{Db, EventKind, Flag, PlanFeatures, Resource, Routes, TenantArchives, file::Storage, mail::Outbox, pages::PageSet};
use seats::Unlimited;
use share::Shareable;

pub use active::ActiveOrganization;
pub use deletion::{
    LeavingOrganization, OrganizationDeletionBegan, OrganizationDeletionError, OrganizationLeaving, OrganizationPurgeError,
    OrganizationPurged, OrganizationRestored,
};
pub use export::{
    OrganizationExport, OrganizationExportAsked, OrganizationExportError, OrganizationExportFailed, OrganizationExportId,
    OrganizationExportRead, OrganizationExportReady,
};
pub use flag::{FlagSwitched, flag_set_in, flag_set_system_in, flags_of_in, flags_unknown_in};
pub use invitation::{
    Invitation, InvitationError, InvitationId, InvitationOutcome, InvitationRevoked, InvitationSent, Invited, Joined, MemberInvite,
    NewInvitations, invitations_in,
};
pub use layer::{TenancyLayer, TenancyService};
pub use member::{Member, MemberError, MemberJoined, MemberLeft, MemberRead, MemberRoleChanged, MemberWrite, member_add_in, members_in};
pub use migrations::MIGRATIONS;
pub use onboarding::{
    Onboarding, OnboardingDismissed, OnboardingPointer, OnboardingProgress, OnboardingRestarted, OnboardingStepMarked, Step, StepProgress,
    StepState,
};
pub use organization::{NewOrganization, Organization, OrganizationCreated, OrganizationError, organization_create};
pub use ownership::{OrganizationOwn, OwnershipError, OwnershipTransferred};
pub use resolve::{Header, Or, PathParameter, ResolveTenant, TenantRef};
pub use role::{
    NewRole, OwnRole, Role, RoleChanged, RoleCreated, RoleDeleted, RoleError, RoleId, RoleName, RoleWrite, Roles, UnknownRole, roles_in,
};
pub use seats::Seats;
pub use second_factor::{OrganizationWrite, SecondFactorRequirementChanged, SecondFactorRuleError, second_factor_require_in};
pub use settings::{OrganizationChange, OrganizationChangeError, OrganizationRenamed, organization_change_in};
pub use share::{Share, ShareEnded, ShareError, ShareGiven, share_end_in, share_put_in, shares_in};
pub use workspace::{
    Workspace, WorkspaceCreated, WorkspaceError, WorkspaceRead, WorkspaceRenamed, WorkspaceWrite, workspace_create_in, workspace_rename_in,
    workspaces_in,
};

/// What this crate announces.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<OrganizationCreated>(),
    EventKind::of::<OrganizationRenamed>(),
    EventKind::of::<OwnershipTransferred>(),
    EventKind::of::<OrganizationLeaving>(),
    EventKind::of::<OrganizationDeletionBegan>(),
    EventKind::of::<OrganizationRestored>(),
    EventKind::of::<OrganizationPurged>(),
    EventKind::of::<OrganizationExportAsked>(),
    EventKind::of::<OrganizationExportReady>(),
    EventKind::of::<OrganizationExportFailed>(),
    EventKind::of::<OrganizationExportRead>(),
    EventKind::of::<OnboardingStepMarked>(),
    EventKind::of::<OnboardingRestarted>(),
    EventKind::of::<OnboardingDismissed>(),
    EventKind::of::<SecondFactorRequirementChanged>(),
    EventKind::of::<FlagSwitched<'_>>(),
    EventKind::of::<InvitationSent>(),
    EventKind::of::<InvitationRevoked<'_>>(),
    EventKind::of::<MemberJoined>(),
    EventKind::of::<MemberRoleChanged>(),
    EventKind::of::<MemberLeft>(),
    EventKind::of::<RoleCreated<'_>>(),
    EventKind::of::<RoleChanged<'_>>(),
    EventKind::of::<RoleDeleted<'_>>(),
    EventKind::of::<ShareGiven>(),
    EventKind::of::<ShareEnded>(),
    EventKind::of::<WorkspaceCreated>(),
    EventKind::of::<WorkspaceRenamed>(),
];

/// The pages of this crate.
pub const PAGES: PageSet = saas_core::page_set!("tenancy");

/// Organizations, members, and the layer that finds the tenant of a request. Cheap to clone.
#[derive(Clone)]
pub struct Tenancy {
    inner: Arc<Inner>,
    cookie: OrganizationCookie,
    seats: Arc<dyn Seats>,
    outbox: Option<Outbox>,
    plan: Option<Arc<dyn PlanFeatures>>,
    sharing: Arc<[Shareable]>,
    flags: &'static [Flag],
    archives: Option<TenantArchives>,
    onboarding: Option<Onboarding>,
}

struct Inner {
    db: Db,
    resolver: Box<dyn ResolveTenant>,
    roles: Roles,
    home: &'static str,
}

impl Tenancy {
    /// Finds tenants with `resolver` and gives their members what `roles` says. On a tenant's host it must find that tenant or nothing: two that differ
    /// are answered with 404.
    #[must_use]
    pub fn new(db: &Db, resolver: impl ResolveTenant, roles: Roles) -> Self {
        Self::with_home(db, resolver, roles, "/")
    }

    /// The same, with the page where people land after they made or switched an organization.
    #[must_use]
    pub fn with_home(db: &Db, resolver: impl ResolveTenant, roles: Roles, home: &'static str) -> Self {
        let inner = Inner { db: db.clone(), resolver: Box::new(Host.or(resolver)), roles, home };
        Self {
            inner: Arc::new(inner),
            cookie: OrganizationCookie { secure: true },
            seats: Arc::new(Unlimited),
            outbox: None,
            plan: None,
            sharing: Arc::from([]),
            flags: &[],
            archives: None,
            onboarding: None,
        }
    }

    /// Serves browsers over plain http from elsewhere than this machine: the cookie that holds the chosen organization is not marked secure
    /// then, as the session's is not.
    #[must_use]
    pub fn insecure_lan(mut self, insecure: bool) -> Self {
        self.cookie = OrganizationCookie { secure: !insecure };
        self
    }

    /// Lets people be invited, by mail through this outbox. Without one there are no invitations, and no routes for them.
    #[must_use]
    pub fn inviting(mut self, outbox: Outbox) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Limits how many people join an organization.
    #[must_use]
    pub fn seats(mut self, seats: impl Seats) -> Self {
        self.seats = Arc::new(seats);
        self
    }

    /// Knows what plans have, for the permissions that take a feature of them ([`Roles::featured`]).
    #[must_use]
    pub fn plan_features(mut self, plan: impl PlanFeatures) -> Self {
        self.plan = Some(Arc::new(plan));
        self
    }

    /// Lets things of a kind be shared with members one by one. `path` is the page of one of them, such as `/agents/{id}`: the people with whom it is
    /// shared are at `/agents/{id}/people`, and at `/api/v1/agents/{id}/people` for programs.
    #[must_use]
    pub fn sharing<R: Resource>(mut self, path: &'static str) -> Self {
        self.sharing = self.sharing.iter().copied().chain([Shareable::of::<R>(path)]).collect();
        self
    }

    /// Knows these flags: an organization's owner switches those that are its own. Whoever runs the product names them in its `Product` too.
    #[must_use]
    pub fn flags(mut self, flags: &'static [Flag]) -> Self {
        self.flags = flags;
        self
    }

    /// Lets owners have all that is their organization's packed, in this store. Without one there are no routes for it.
    /// [`export_for`](Self::export_for) does the work; they are told by mail where people can be [invited](Self::inviting), since it takes an outbox.
    #[must_use]
    pub fn exporting(mut self, storage: Storage) -> Self {
        self.archives = Some(TenantArchives::new(storage));
        self
    }

    /// Finds the tenant of a request, checks that the caller belongs to it, and puts [`Standing`](saas_core::Standing) and
    /// [`TenantDb`](saas_core::TenantDb) on it. 401 for a stranger, 404 for whoever does not belong, 403 for whoever has not shown a second
    /// factor where the organization asks for it.
    pub fn layer(&self) -> TenancyLayer {
        TenancyLayer::new(self.clone(), Purpose::Enter)
    }

    /// Shows around pages that belong to no organization, such as a person's sessions, the one that the person works in. It refuses nobody
    /// and opens nothing.
    pub fn surroundings(&self) -> TenancyLayer {
        TenancyLayer::new(self.clone(), Purpose::Show)
    }

    /// Pages and JSON API for organizations and members. Its own layer is inside, so merge it beside the tenant's routes.
    pub fn routes(&self) -> Routes {
        self.routes_within(|own| own)
    }

    /// The same, with something more around what an organization has, such as a layer that keeps out whoever has not paid; it knows which organization
    /// it is.
    pub fn routes_within(&self, around: impl FnOnce(Routes) -> Routes) -> Routes {
        let (inside, outside) = match self.outbox {
            Some(_) => (invitation::routes(), invitation::visitor_routes()),
            None => (Routes::new(), Routes::new()),
        };
        let first_steps = if self.onboarding.is_some() { onboarding::routes() } else { Routes::new() };
        let shares = self.sharing.iter().fold(Routes::new(), |routes, kind| routes.merge(kind.routes()));
        let own = member::routes()
            .merge(flag::routes())
            .merge(inside)
            .merge(first_steps)
            .merge(ownership::routes())
            .merge(role::routes())
            .merge(second_factor::routes())
            .merge(settings::routes())
            .merge(workspace::routes())
            .with_state(self.clone())
            .merge(shares);
        // Whoever does not pay may leave all the same, with all that is theirs.
        let taking_along = if self.archives.is_some() { export::routes() } else { Routes::new() };
        let leaving = deletion::routes().merge(taking_along).with_state(self.clone());
        around(own).merge(leaving).layer(self.layer()).merge(
            organization::routes().merge(deletion::outside_routes()).merge(outside).with_state(self.clone()).layer(self.surroundings()),
        )
    }

    /// Who may do what.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.inner.roles
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    pub(crate) fn archives(&self) -> Option<&TenantArchives> {
        self.archives.as_ref()
    }

    pub(crate) fn plan(&self) -> Option<&Arc<dyn PlanFeatures>> {
        self.plan.as_ref()
    }

    pub(crate) fn shareables(&self) -> &[Shareable] {
        &self.sharing
    }

    pub(crate) fn known_flags(&self) -> &'static [Flag] {
        self.flags
    }

    pub(crate) fn seat_limit(&self) -> &dyn Seats {
        &*self.seats
    }

    pub(crate) fn cookie(&self) -> OrganizationCookie {
        self.cookie
    }

    pub(crate) fn home(&self) -> &'static str {
        self.inner.home
    }
}

impl fmt::Debug for Tenancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenancy").field("roles", &self.inner.roles).finish_non_exhaustive()
    }
}
