use saas_core::{RouteInfo, TenantId, testing::isolation::Body};
use serde_json::json;
use uuid::Uuid;

use super::actors::Kind;
use crate::app::registration;

/// The short name of the organization that somebody works in.
pub(super) fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Other => "other",
        Kind::Operator => "operators",
        _ => "canarybird",
    }
}

/// A body that nobody who may send it is refused for.
pub(super) fn good_body(route: &RouteInfo, tenant: TenantId, kind: Kind) -> Body {
    let time = "2026-03-01T00:00:00Z";
    let instance = Uuid::from_u128(7);
    match (route.method.as_str(), route.path.as_str()) {
        ("GET", "/live") => Body::Stream,
        ("GET", _) => Body::Empty,
        ("POST", "/agents") => Body::Form(vec![("name", format!("New of {kind:?}"))]),
        ("POST", "/agents/{id}/allowed-from") => Body::Form(vec![("allowed_from", "127.0.0.0/8, ::1".to_owned())]),
        ("PATCH", "/api/v1/agents/{id}") => Body::Json(json!({ "allowed_from": [] })),
        ("POST", "/agents/{id}/key") => Body::Form(vec![("overlap_hours", "24".to_owned())]),
        ("POST", "/api/v1/agents/{id}/key") => Body::Json(json!({ "overlap_hours": 24 })),
        ("POST", "/agents/{id}/people") => Body::Form(vec![("user", Uuid::nil().to_string()), ("level", "view".to_owned())]),
        ("POST", "/agents/{id}/people/remove") => Body::Form(vec![("user", Uuid::nil().to_string())]),
        ("PUT", "/api/v1/agents/{id}/people/{user}") => Body::Json(json!({ "level": "view" })),
        ("POST", "/organization/flags") => {
            Body::Form([("name", "latency"), ("on", "true")].map(|(name, value)| (name, value.to_owned())).to_vec())
        }
        ("PUT", "/api/v1/organization/flags/{name}") => Body::Json(json!({ "on": true })),
        ("POST", "/start/steps/{step}") => Body::Form(vec![("state", "open".to_owned())]),
        ("PUT", "/api/v1/onboarding/steps/{step}") => Body::Json(json!({ "state": "open" })),
        ("POST", "/api-keys") => Body::Form(vec![("name", format!("New of {kind:?}")), ("scopes", "monitoring.device.read".to_owned())]),
        ("POST", "/api/v1/api-keys") => Body::Json(json!({ "name": format!("New of {kind:?}"), "scopes": ["monitoring.device.read"] })),
        ("PATCH", "/api/v1/api-keys/{id}") => Body::Json(json!({ "allowed_from": ["127.0.0.1"] })),
        ("POST", "/api-keys/{id}/allowed-from") => Body::Form(vec![("allowed_from", "127.0.0.0/8, ::1".to_owned())]),
        ("POST", "/api-keys/{id}/rotate") => Body::Form(vec![("overlap_hours", "24".to_owned())]),
        ("POST", "/api/v1/api-keys/{id}/rotate") => Body::Json(json!({ "overlap_hours": 24 })),
        ("POST", "/api/v1/auth/leaked-keys") => Body::Json(json!([])),
        ("POST", "/account") => Body::Form(vec![("name", format!("{kind:?}")), ("theme", "dark".to_owned())]),
        ("POST", "/account/check") => Body::Form(vec![("name", String::new())]),
        ("PUT", "/api/v1/me/profile") => Body::Json(json!({ "name": format!("{kind:?}"), "theme": "dark" })),
        ("POST", "/workspaces") => Body::Form(vec![("name", format!("Site of {kind:?}"))]),
        ("POST", "/api/v1/workspaces") => Body::Json(json!({ "name": format!("Other site of {kind:?}") })),
        ("POST", "/workspaces/{id}/name") => Body::Form(vec![("name", "Renamed".to_owned())]),
        ("PATCH", "/api/v1/workspaces/{id}") => Body::Json(json!({ "name": "Renamed" })),
        ("POST", "/api/v1/agents") => Body::Json(json!({ "name": format!("New of {kind:?}") })),
        ("POST", "/files" | "/api/v1/files") => Body::Upload,
        ("POST", "/account/avatar") | ("PUT", "/api/v1/me/avatar") => Body::Upload,
        ("POST", "/notifications/preferences") => Body::Form(vec![("mail:tenancy.member.joined", "off".to_owned())]),
        ("PUT", "/api/v1/notifications/preferences") => Body::Json(json!({ "kind": "tenancy.member.joined", "mail": "daily" })),
        // Enough to be let in; which key a browser was asked with is not known here.
        ("POST", "/api/v1/notifications/browsers") => {
            let keys = json!({ "p256dh": "", "auth": "" });
            Body::Json(json!({ "endpoint": "http://127.0.0.1:9/", "keys": keys, "server_key": "" }))
        }
        ("POST", "/api/v1/notifications/read") => Body::Json(json!({})),
        ("POST", "/channels" | "/channels/{id}") => {
            let form = [("format", "slack"), ("name", "On-call"), ("address", "http://127.0.0.1:9/")];
            Body::Form(form.map(|(name, value)| (name, value.to_owned())).to_vec())
        }
        ("POST", "/channels/{id}/state") => Body::Form(vec![("state", "active".to_owned())]),
        ("POST", "/api/v1/channels") => Body::Json(json!({ "format": "json", "name": "On-call", "address": "http://127.0.0.1:9/" })),
        ("PATCH", "/api/v1/channels/{id}") => Body::Json(json!({ "name": "Canarybird" })),
        ("POST", "/webhooks" | "/webhooks/{id}") => Body::Form(vec![("url", "http://127.0.0.1:9/".to_owned())]),
        ("POST", "/webhooks/{id}/state") => Body::Form(vec![("state", "active".to_owned())]),
        ("POST", "/api/v1/webhooks") => Body::Json(json!({ "url": "http://127.0.0.1:9/" })),
        ("PATCH", "/api/v1/webhooks/{id}") => Body::Json(json!({ "description": "Canarybird" })),
        ("POST", "/roles") => Body::Form(vec![("name", format!("Made by {kind:?}")), ("permissions", "monitoring.device.read".to_owned())]),
        ("POST", "/api/v1/roles") => Body::Json(json!({ "name": format!("Also made by {kind:?}"), "permissions": [] })),
        ("POST", "/roles/{id}") => Body::Form(vec![("name", Uuid::now_v7().to_string())]),
        ("PUT", "/api/v1/roles/{id}") => Body::Json(json!({ "name": Uuid::now_v7().to_string(), "permissions": [] })),
        ("POST", "/members/invite") => {
            Body::Form(vec![("emails", format!("invited-{kind:?}@example.com").replace(['(', ')'], "-")), ("role", "viewer".to_owned())])
        }
        ("POST", "/api/v1/invitations") => {
            let address = format!("asked-{kind:?}@example.com").replace(['(', ')'], "-");
            Body::Json(json!({ "emails": [address], "role": "viewer" }))
        }
        ("POST", "/invitation") => Body::Form(vec![("token", "none".to_owned())]),
        ("POST", "/api/v1/invitations/accept") => Body::Json(json!({ "token": "none" })),
        ("POST", "/members/{user}/role") => Body::Form(vec![("role", "member".to_owned())]),
        ("PATCH", "/api/v1/members/{user}") => Body::Json(json!({ "role": "member" })),
        ("POST", "/organizations") => Body::Form(vec![("name", "One more".to_owned())]),
        ("POST", "/api/v1/organizations") => Body::Json(json!({ "name": "One more" })),
        ("POST", "/organizations/switch") => Body::Form(vec![("organization", tenant.to_string())]),
        ("POST", "/api/v1/agent/register" | "/api/agent/register") => Body::Json(registration(instance)),
        ("POST", "/api/v1/agent/heartbeat" | "/api/agent/heartbeat") => {
            Body::Json(json!({ "at": time, "version": "0.2.0", "uptime_seconds": 1, "buffered": 0 }))
        }
        ("POST", "/api/v1/agent/devices" | "/api/agent/devices") => {
            // The one that is staged, with what was not known of it, and never the same twice; no new one, which would be an event of its own.
            let [.., high, low] = *Uuid::now_v7().as_bytes();
            let mac = format!("02:00:00:00:{high:02x}:{low:02x}");
            Body::Json(json!({ "devices": [{ "address": "10.0.0.1", "mac": mac, "found_by": ["icmp"] }] }))
        }
        ("POST", "/api/v1/agent/status" | "/api/agent/status") => {
            Body::Json(json!({ "readings": [{ "address": "10.0.0.1", "at": time, "up": true }] }))
        }
        // Enough to be let in; signing up in earnest takes longer than all else together.
        ("POST", "/sign-in/second" | "/account/second-factor/app/confirm") => Body::Form(vec![("code", String::new())]),
        ("POST", "/sign-in/passkey" | "/account/passkeys") => Body::Form(vec![("credential", String::new())]),
        ("POST", "/api/v1/auth/sign-in/passkey" | "/api/v1/me/passkeys") => Body::Json(json!({ "credential": {} })),
        ("POST", "/account/passkeys/{id}/rename") => Body::Form(vec![("name", "Key ring".to_owned())]),
        ("PATCH", "/api/v1/me/passkeys/{id}") => Body::Json(json!({ "name": "Key ring" })),
        ("POST", "/api/v1/me/second-factor/app/confirm") => Body::Json(json!({ "code": "" })),
        ("POST", "/account/prove" | "/account/second-factor/off") => Body::Form(vec![("password", String::new())]),
        ("POST", "/api/v1/auth/prove" | "/api/v1/me/second-factor/off") => Body::Json(json!({ "password": "" })),
        ("POST", "/account/second-factor/off/confirm") => Body::Form(vec![("token", "none".to_owned())]),
        ("POST", "/api/v1/me/second-factor/off/confirm") => Body::Json(json!({ "token": "none" })),
        ("POST", "/organization/settings") => Body::Form(["name", "slug"].map(|field| (field, called(kind).to_owned())).to_vec()),
        ("PATCH", "/api/v1/organization") => Body::Json(json!({ "slug": called(kind) })),
        // Enough to be let in; what happens then would happen to all that are called after.
        ("POST", "/organization/owner") => Body::Form(vec![("member", String::new())]),
        ("POST", "/api/v1/organization/owner") => Body::Json(json!({ "member": Uuid::nil() })),
        ("POST", "/organization/deletion") => Body::Form(vec![("name", String::new())]),
        ("POST", "/api/v1/organization/deletion") => Body::Json(json!({ "name": "" })),
        ("POST", "/organizations/restore") => Body::Form(vec![("organization", tenant.to_string())]),
        ("POST", "/organization/security") => Body::Form(vec![("required", "false".to_owned())]),
        ("PUT", "/api/v1/organization/second-factor") => Body::Json(json!({ "required": false })),
        ("POST", "/sign-up" | "/sign-in" | "/sign-in/mail" | "/sign-in/code" | "/verify/resend" | "/reset") => {
            Body::Form(vec![("email", String::new())])
        }
        (
            "POST",
            "/verify"
            | "/reset/password"
            | "/sign-in/link"
            | "/sign-in/with/{provider}/confirm"
            | "/account/deletion/confirm"
            | "/account/export/file"
            | "/account/email/confirm"
            | "/account/email/refuse",
        ) => Body::Form(vec![("token", "none".to_owned())]),
        (
            "POST",
            "/api/v1/auth/sign-up"
            | "/api/v1/auth/sign-in"
            | "/api/v1/auth/sign-in/second"
            | "/api/v1/auth/sign-in/mail"
            | "/api/v1/auth/sign-in/code"
            | "/api/v1/auth/verify"
            | "/api/v1/auth/verify/resend"
            | "/api/v1/auth/reset"
            | "/api/v1/auth/reset/password",
        ) => Body::Json(json!({ "email": "" })),
        ("POST", "/api/v1/auth/token") => Body::Json(json!({ "organization": "" })),
        ("POST", "/api/v1/auth/token/refresh") => Body::Json(json!({ "refresh_token": "none" })),
        ("POST", "/api/v1/auth/token/revoke") => Body::Json(json!({ "token": "none" })),
        ("POST", "/hand-off") => Body::Form(vec![("host", format!("{}.localhost", called(kind))), ("browser", "A".repeat(43))]),
        ("POST", "/hand-off/return") => Body::Form(vec![("code", "none".to_owned())]),
        ("POST", "/sign-in/with/{provider}") => Body::Form(Vec::new()),
        ("POST", "/sign-in/with/{provider}/return" | "/sign-in/with/{provider}/posted") => Body::Form(vec![("state", "none".to_owned())]),
        ("POST", "/api/v1/auth/providers/{provider}") => Body::Json(json!({})),
        ("POST", "/dev/oidc/authorize" | "/dev/oidc/token") => Body::Form(Vec::new()),
        ("POST", "/account/password") => Body::Form(vec![("current_password", String::new())]),
        ("PUT", "/api/v1/auth/password") => Body::Json(json!({ "current_password": "" })),
        ("POST", "/account/consent") => Body::Form(vec![("consents", String::new())]),
        ("POST", "/account/consents/{document}") => Body::Form(vec![("version", "1".to_owned()), ("given", "true".to_owned())]),
        ("PUT", "/api/v1/me/consents/{document}") => Body::Json(json!({ "version": "1", "given": true })),
        ("POST", "/billing/checkout" | "/billing/change") => {
            Body::Form([("plan", "team"), ("interval", "month")].map(|(name, value)| (name, value.to_owned())).to_vec())
        }
        ("POST", "/billing/portal") => Body::Form(vec![("page", "card".to_owned())]),
        ("POST", "/api/v1/billing/portal-session" | "/api/billing/portal-session" | "/api/billing/portal") => {
            Body::Json(json!({ "page": "home" }))
        }
        (
            "POST",
            "/api/v1/billing/checkout"
            | "/api/billing/checkout"
            | "/api/billing/subscribe"
            | "/api/v1/billing/change-plan"
            | "/api/billing/change-plan",
        ) => Body::Json(json!({ "plan": "team", "interval": "month" })),
        ("POST", "/api/v1/billing/webhook" | "/api/billing/webhook") => Body::Json(json!({ "id": "evt_1" })),
        ("POST", "/mail") => Body::Form(vec![("name", "Acme".to_owned())]),
        ("PUT", "/api/v1/mail/brand") => Body::Json(json!({ "name": "Acme" })),
        ("POST", "/account/export") => Body::Form(vec![("password", String::new())]),
        ("POST", "/api/v1/me/exports") => Body::Json(json!({})),
        ("POST", "/account/deletion") => Body::Form(vec![("password", String::new())]),
        ("POST", "/api/v1/me/deletion") => Body::Json(json!({})),
        ("POST", "/account/email") => Body::Form(vec![("email", "nobody".to_owned())]),
        ("PUT", "/api/v1/me/email") => Body::Json(json!({ "email": "nobody" })),
        ("POST", "/api/v1/auth/sign-in/link" | "/api/v1/me/deletion/confirm" | "/api/v1/me/email/confirm" | "/api/v1/me/email/refuse") => {
            Body::Json(json!({ "token": "none" }))
        }
        ("DELETE", _)
        | (
            "POST",
            "/agents/{id}/revoke"
            | "/api-keys/{id}/revoke"
            | "/audit/undelivered/replay"
            | "/audit/undelivered/{id}/replay"
            | "/api/v1/audit/undelivered/replay"
            | "/api/v1/audit/undelivered/{id}/replay"
            | "/files/{id}/delete"
            | "/notifications/read"
            | "/notifications/{id}/open"
            | "/notifications/browsers/{id}/remove"
            | "/notifications/unsubscribe"
            | "/mail/undelivered/{user}/lift"
            | "/api/v1/mail/undelivered/{user}/lift"
            | "/channels/{id}/test"
            | "/channels/{id}/remove"
            | "/api/v1/channels/{id}/test"
            | "/webhooks/{id}/rotate"
            | "/webhooks/{id}/reveal"
            | "/webhooks/{id}/test"
            | "/webhooks/{id}/remove"
            | "/webhooks/{id}/deliveries/{message}/replay"
            | "/api/v1/webhooks/{id}/rotate"
            | "/api/v1/webhooks/{id}/reveal"
            | "/api/v1/webhooks/{id}/test"
            | "/api/v1/webhooks/{id}/deliveries/{message}/replay"
            | "/api/v1/agent/credential"
            | "/api/agent/credential"
            | "/members/{user}/remove"
            | "/members/leave"
            | "/roles/{id}/remove"
            | "/members/invitations/{id}/send"
            | "/members/invitations/{id}/revoke"
            | "/api/v1/invitations/{id}/send"
            | "/api/v1/leaving-organizations/{organization}/restore"
            | "/billing/return"
            | "/billing/cancel"
            | "/billing/resume"
            | "/api/v1/billing/cancel"
            | "/api/billing/cancel"
            | "/api/v1/billing/resume"
            | "/api/billing/resume"
            | "/account/avatar/remove"
            | "/account/second-factor/app"
            | "/account/second-factor/backup-codes"
            | "/account/identities/{id}/unlink"
            | "/account/passkeys/{id}/remove"
            | "/account/providers/{provider}/link"
            | "/api/v1/me/identities/{id}/unlink"
            | "/api/v1/me/providers/{provider}/link"
            | "/api/v1/auth/passkeys/challenge"
            | "/api/v1/me/passkeys/challenge"
            | "/api/v1/me/second-factor/app"
            | "/api/v1/me/second-factor/backup-codes"
            | "/account/email/stop"
            | "/account/exports/{id}/file"
            | "/account/leaving/export"
            | "/account/leaving/stay"
            | "/account/leaving/sign-out"
            | "/api/v1/me/deletion/stop"
            | "/api/v1/me/exports/{id}/file"
            | "/start/restart"
            | "/start/dismiss"
            | "/api/v1/onboarding/restart"
            | "/api/v1/onboarding/dismiss"
            | "/organization/exports"
            | "/organization/exports/{id}/file"
            | "/api/v1/organization/exports"
            | "/api/v1/organization/exports/{id}/file"
            | "/sessions/{id}/end"
            | "/sessions/programs/{id}/end"
            | "/sessions/end-others"
            | "/sign-out"
            | "/api/v1/auth/sign-out",
        ) => Body::Empty,
        (method, path) => panic!("say what a good request to {method} {path} looks like"),
    }
}
