//! What a tenant may do: every state, at every moment around the times that matter.

use chrono::{DateTime, TimeDelta, Utc};
use saas_billing::{
    Access, Currency, Feature, Grant, Holding, Interval, Limit, Meter, Money, Override, Plan, Plans, Subscription, SubscriptionId,
    SubscriptionState,
};

const DEVICES: Meter = Meter::new("devices");
const SSO: Feature = Feature::new("sso");
const GRACE: i64 = 7;

fn plans() -> Plans {
    let price = Money::of(4_900, Currency::Usd);
    Plans::new(Plan::new("free").limit(DEVICES, 50))
        .with(Plan::new("team").limit(DEVICES, 500).feature(SSO).price(Interval::Month, price))
        .with(Plan::new("best").unlimited(DEVICES).feature(SSO).quoted())
        .grace_days(7)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Paid for March.
fn march(state: SubscriptionState) -> Subscription {
    Subscription {
        id: SubscriptionId::new("sub_1"),
        plan: "team".to_owned(),
        interval: Interval::Month,
        currency: Currency::Usd,
        quantity: 1,
        state,
        created_at: at("2026-03-01T00:00:00Z"),
        period_start: at("2026-03-01T00:00:00Z"),
        period_end: at("2026-04-01T00:00:00Z"),
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        past_due_since: None,
        failed_attempts: 0,
    }
}

fn holding(subscription: Subscription) -> Holding {
    Holding { subscriptions: vec![subscription], ..Holding::default() }
}

/// The plan and the access at that moment.
fn decided(holding: &Holding, now: &str) -> (String, Access) {
    let plans = plans();
    let entitlement = plans.entitlement(holding, at(now));
    (entitlement.plan().name().to_owned(), entitlement.access())
}

fn grace(until: &str) -> Access {
    Access::Grace { until: at(until) }
}

/// BIL-05; S52–S60: what each of the eight states lets a tenant do.
#[test]
fn each_state_says_what_the_tenant_may_do() {
    use SubscriptionState::{Active, Canceled, Incomplete, IncompleteExpired, PastDue, Paused, Trialing, Unpaid};
    let trial = |end: &str| Subscription { trial_end: Some(at(end)), ..march(Trialing) };
    let failed = |attempts| Subscription { failed_attempts: attempts, past_due_since: Some(at("2026-03-10T00:00:00Z")), ..march(PastDue) };
    let canceling = Subscription { cancel_at: Some(at("2026-03-20T00:00:00Z")), ..march(Active) };
    let ended = Subscription { ended_at: Some(at("2026-03-20T00:00:00Z")), ..march(Active) };
    for (held, now, plan, access) in [
        (march(Incomplete), "2026-03-02T00:00:00Z", "free", Access::Active),
        (march(IncompleteExpired), "2026-03-02T00:00:00Z", "free", Access::Active),
        (trial("2026-03-15T00:00:00Z"), "2026-03-14T23:59:59Z", "team", Access::Active),
        // Nobody told us what came after the trial.
        (trial("2026-03-15T00:00:00Z"), "2026-03-15T00:00:00Z", "team", grace("2026-03-22T00:00:00Z")),
        (trial("2026-03-15T00:00:00Z"), "2026-03-21T23:59:59Z", "team", grace("2026-03-22T00:00:00Z")),
        (trial("2026-03-15T00:00:00Z"), "2026-03-22T00:00:00Z", "free", Access::Active),
        (march(Active), "2026-03-31T23:59:59Z", "team", Access::Active),
        // Nor of a renewal.
        (march(Active), "2026-04-07T23:59:59Z", "team", Access::Active),
        (march(Active), "2026-04-08T00:00:00Z", "team", Access::SoftLocked),
        (canceling.clone(), "2026-03-19T23:59:59Z", "team", Access::Active),
        (canceling.clone(), "2026-03-20T00:00:00Z", "free", Access::Active),
        (Subscription { cancel_at: None, ..canceling }, "2026-03-20T00:00:00Z", "team", Access::Active),
        (ended, "2026-03-20T00:00:00Z", "free", Access::Active),
        (failed(1), "2026-03-10T00:00:00Z", "team", grace("2026-03-17T00:00:00Z")),
        (failed(2), "2026-03-16T23:59:59Z", "team", grace("2026-03-17T00:00:00Z")),
        (failed(2), "2026-03-17T00:00:00Z", "team", Access::SoftLocked),
        (failed(3), "2026-03-11T00:00:00Z", "team", Access::SoftLocked),
        (march(Unpaid), "2026-03-25T00:00:00Z", "team", Access::Suspended),
        (march(Paused), "2026-03-25T00:00:00Z", "team", Access::SoftLocked),
        (march(Canceled), "2026-03-02T00:00:00Z", "free", Access::Active),
    ] {
        assert_eq!(decided(&holding(held.clone()), now), (plan.to_owned(), access), "{now}: {held:?}");
    }
}

/// Every state with every set of times, at every moment that could matter.
fn every_case() -> impl Iterator<Item = (Subscription, Vec<DateTime<Utc>>)> {
    let marks = [None, Some(at("2026-03-10T00:00:00Z")), Some(at("2026-03-25T12:00:00Z"))];
    let mut cases = Vec::new();
    for state in SubscriptionState::ALL {
        for trial_end in marks {
            for cancel_at in marks {
                for past_due_since in marks {
                    for failed_attempts in 0..=5 {
                        let held = Subscription { trial_end, cancel_at, past_due_since, failed_attempts, ..march(*state) };
                        let times = [held.period_start, held.period_end]
                            .into_iter()
                            .chain([trial_end, cancel_at, past_due_since].into_iter().flatten());
                        let mut moments: Vec<_> = times
                            .flat_map(|time| [time, time + TimeDelta::days(GRACE)])
                            .flat_map(|time| [time - TimeDelta::microseconds(1), time, time + TimeDelta::microseconds(1)])
                            .collect();
                        moments.sort();
                        cases.push((held, moments));
                    }
                }
            }
        }
    }
    cases.into_iter()
}

/// How much freedom is left, for the order of things.
fn freedom(access: Option<Access>) -> u8 {
    match access {
        Some(Access::Active) => 3,
        Some(Access::Grace { .. }) => 2,
        Some(Access::SoftLocked) => 1,
        Some(Access::Suspended) | None => 0,
    }
}

/// Nothing gets better by waiting, and payment lifts everything at once.
#[test]
fn waiting_never_helps_and_paying_always_does() {
    let plans = plans();
    let mut seen = 0_u32;
    for (held, moments) in every_case() {
        let freedoms: Vec<_> = moments.iter().map(|now| freedom(plans.access_by(&held, *now))).collect();
        assert!(freedoms.is_sorted_by(|before, after| before >= after), "{held:?}: {freedoms:?}");
        for now in moments {
            let paid =
                Subscription { state: SubscriptionState::Active, cancel_at: None, period_end: now + TimeDelta::days(30), ..held.clone() };
            assert_eq!(plans.access_by(&paid, now), Some(Access::Active), "{paid:?} at {now}");
            seen += 1;
        }
    }
    assert!(seen > 10_000, "{seen}");
}

/// A grace that is told ends when it says, and a lock never hides what there is.
#[test]
fn grace_ends_when_it_says_and_a_soft_lock_can_be_read() {
    let plans = plans();
    for (held, moments) in every_case() {
        for now in moments {
            if let Some(Access::Grace { until }) = plans.access_by(&held, now) {
                assert!(now < until, "{held:?} at {now}");
                let after = plans.access_by(&held, until);
                assert!(!matches!(after, Some(Access::Active | Access::Grace { .. })), "{held:?} at {until}: {after:?}");
            }
        }
    }
    for (access, reads, writes) in [
        (Access::Active, true, true),
        (grace("2026-03-01T00:00:00Z"), true, true),
        (Access::SoftLocked, true, false),
        (Access::Suspended, false, false),
    ] {
        assert_eq!((access.may_read(), access.may_write()), (reads, writes), "{access:?}");
    }
}

/// Two tabs may have made two subscriptions; the better one counts, in whatever order they are stored.
#[test]
fn of_several_subscriptions_the_one_counts_that_leaves_most() {
    let plans = plans();
    let mut cases: Vec<_> = every_case().step_by(37).collect();
    cases.truncate(60);
    for (first, moments) in &cases {
        for (second, _) in &cases {
            let both = |one: &Subscription, other: &Subscription| Holding {
                subscriptions: vec![one.clone(), other.clone()],
                ..Holding::default()
            };
            for now in moments.iter().step_by(5) {
                let alone = [first, second].map(|held| plans.access_by(held, *now));
                let best = alone.into_iter().flatten().max_by_key(|access| freedom(Some(*access)));
                for held in [both(first, second), both(second, first)] {
                    let together = plans.entitlement(&held, *now);
                    assert_eq!(freedom(Some(together.access())), freedom(Some(best.unwrap_or(Access::Active))));
                    assert_eq!(together.plan().name(), if best.is_some() { "team" } else { "free" });
                }
            }
        }
    }
}

/// BIL-07: from plan, overrides and grants; each only as long as it lasts.
#[test]
fn what_was_given_holds_before_what_is_paid_and_only_as_long_as_it_lasts() {
    let until = Some(at("2026-03-10T00:00:00Z"));
    let mut held = holding(march(SubscriptionState::Unpaid));
    held.grant = Some(Grant { plan: "best".to_owned(), until });
    held.overrides =
        vec![Override { name: "devices".to_owned(), value: Some(7), until }, Override { name: "sso".to_owned(), value: Some(0), until }];
    let plans = plans();
    let given = plans.entitlement(&held, at("2026-03-09T23:59:59Z"));
    assert_eq!((given.plan().name(), given.access()), ("best", Access::Active));
    assert_eq!((given.limit(DEVICES), given.allowed(SSO)), (Limit::AtMost(7), false));
    let after = plans.entitlement(&held, at("2026-03-10T00:00:00Z"));
    assert_eq!((after.plan().name(), after.access()), ("team", Access::Suspended));
    assert_eq!((after.limit(DEVICES), after.allowed(SSO)), (Limit::AtMost(500), true));
    held.overrides = vec![Override { name: "devices".to_owned(), value: None, until: None }];
    assert_eq!(plans.entitlement(&held, at("2030-01-01T00:00:00Z")).limit(DEVICES), Limit::Unlimited);
}

/// A plan that the catalogue has no longer is the default one, not none.
#[test]
fn an_unknown_plan_counts_as_the_default_one() {
    let gone = Subscription { plan: "gone".to_owned(), ..march(SubscriptionState::Active) };
    assert_eq!(decided(&holding(gone), "2026-03-02T00:00:00Z"), ("free".to_owned(), Access::Active));
    assert_eq!(decided(&Holding::default(), "2026-03-02T00:00:00Z"), ("free".to_owned(), Access::Active));
}
