//! Who may ask how often.

use http::Method;
use saas_admin::Program;
use saas_billing::{Billing, Limit, Meter};
use saas_core::limit::{Allowance, Rate, RateLimitLayer, Rule, TenantAllowance};

/// Requests to the API within an hour, of all people of an organization together.
pub(super) const API_REQUESTS: Meter = Meter::new("api-requests");

/// Around everything: before anybody asks the database who it is.
pub(super) fn everybody(program: &Program) -> RateLimitLayer {
    program.limits.layer([Rule::by_address("all", program.request_limits.address).unannounced()])
}

/// Around the routes of saas-auth: what is guessed is limited by address, what makes us send mail by account too.
///
/// Wrong passwords of one account, and mails about forgotten ones, are counted by saas-auth: whoever counts them must leave the owner a way in.
pub(super) fn strangers(program: &Program) -> RateLimitLayer {
    let limits = &program.request_limits;
    program.limits.layer([
        Rule::by_address("sign-in", limits.sign_in).on(is_guess).closed(),
        Rule::by_caller("account", limits.account).on(|_, path| is_own(path)),
        Rule::by_email("mail", limits.mail).on(sends_mail).closed(),
    ])
}

/// Around what people and machines do for themselves, inside of the layer that knows them.
pub(super) fn callers(program: &Program) -> RateLimitLayer {
    program.limits.layer(by_caller(program))
}

/// Around what they do in an organization, inside of the layer that knows which.
pub(super) fn members(program: &Program, billing: &Billing) -> RateLimitLayer {
    let tenant = program.request_limits.tenant(by_plan(billing));
    let api = Rule::by_tenant("api", tenant).on(|_, path| is_api(path));
    program.limits.layer(by_caller(program).into_iter().chain([api]))
}

/// Whether the plan's limit counts it.
pub(super) fn is_api(path: &str) -> bool {
    path.starts_with("/api/v1/")
}

fn by_caller(program: &Program) -> [Rule; 2] {
    let is_agents = |_: &Method, path: &str| path.starts_with("/api/agent/");
    let is_peoples = |_: &Method, path: &str| !path.starts_with("/api/agent/");
    [
        Rule::by_caller("agent", program.request_limits.agent).on(is_agents),
        Rule::by_caller("account", program.request_limits.account).on(is_peoples),
    ]
}

fn by_plan(billing: &Billing) -> TenantAllowance {
    let billing = billing.clone();
    TenantAllowance::new(move |db| {
        let billing = billing.clone();
        async move {
            let mut tx = db.begin().await?;
            Ok(match billing.entitlement_in(&mut tx).await?.limit(API_REQUESTS) {
                Limit::AtMost(limit) => Rate::per_hour(limit).into(),
                Limit::Unlimited => Allowance::Unlimited,
            })
        }
    })
}

/// Whatever is written, but to end a session or a program's tokens, which must work also while nobody can count, what people say of
/// themselves, and what programs do each hour with tokens that nobody guesses.
fn is_guess(method: &Method, path: &str) -> bool {
    let ends = path.contains("sign-out") || path.contains("/sessions") || path.contains("/auth/programs");
    !method.is_safe() && !ends && !path.contains("/auth/token/") && !is_own(path)
}

/// What people say of themselves, where there is nothing to guess.
fn is_own(path: &str) -> bool {
    path.contains("/avatar")
        || matches!(path, "/account" | "/account/check" | "/account/email/stop" | "/api/v1/me/email/change" | "/api/v1/me/profile")
}

fn sends_mail(method: &Method, path: &str) -> bool {
    let is_asked_for = path.ends_with("/sign-up") || path.ends_with("/verify/resend") || path == "/account/email";
    (*method == Method::POST && is_asked_for) || (*method == Method::PUT && path == "/api/v1/me/email")
}
