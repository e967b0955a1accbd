use http::{Method, StatusCode};
use saas_core::{
    RouteInfo, TenantId,
    testing::{Answer, TestClient},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::actors::Kind;
use crate::app::registration;

/// What is sent to a route.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// A page or a document is asked for.
    Get,
    /// A stream is asked for.
    Stream,
    /// Nothing but the path.
    Empty,
    Form(Vec<(&'static str, String)>),
    Json(Value),
    /// A form with a text file in it.
    Upload,
}

impl Request {
    /// A request that nobody who may make it is refused for.
    pub(super) fn to(route: &RouteInfo, tenant: TenantId, kind: Kind) -> Self {
        let time = "2026-03-01T00:00:00Z";
        let instance = Uuid::from_u128(7);
        match (route.method.as_str(), route.path.as_str()) {
            ("GET", "/live") => Self::Stream,
            ("GET", _) => Self::Get,
            ("POST", "/agents") => Self::Form(vec![("name", format!("New of {kind:?}"))]),
            ("POST", "/agents/{id}/allowed-from") => Self::Form(vec![("allowed_from", "127.0.0.0/8, ::1".to_owned())]),
            ("PATCH", "/api/v1/agents/{id}") => Self::Json(json!({ "allowed_from": [] })),
            ("POST", "/agents/{id}/key") => Self::Form(vec![("overlap_hours", "24".to_owned())]),
            ("POST", "/api/v1/agents/{id}/key") => Self::Json(json!({ "overlap_hours": 24 })),
            ("POST", "/agents/{id}/people") => Self::Form(vec![("user", Uuid::nil().to_string()), ("level", "view".to_owned())]),
            ("POST", "/agents/{id}/people/remove") => Self::Form(vec![("user", Uuid::nil().to_string())]),
            ("PUT", "/api/v1/agents/{id}/people/{user}") => Self::Json(json!({ "level": "view" })),
            ("POST", "/organization/flags") => {
                Self::Form([("name", "latency"), ("on", "true")].map(|(name, value)| (name, value.to_owned())).to_vec())
            }
            ("PUT", "/api/v1/organization/flags/{name}") => Self::Json(json!({ "on": true })),
            ("POST", "/api-keys") => {
                Self::Form(vec![("name", format!("New of {kind:?}")), ("scopes", "monitoring.device.read".to_owned())])
            }
            ("POST", "/api/v1/api-keys") => Self::Json(json!({ "name": format!("New of {kind:?}"), "scopes": ["monitoring.device.read"] })),
            ("PATCH", "/api/v1/api-keys/{id}") => Self::Json(json!({ "allowed_from": ["127.0.0.1"] })),
            ("POST", "/api-keys/{id}/allowed-from") => Self::Form(vec![("allowed_from", "127.0.0.0/8, ::1".to_owned())]),
            ("POST", "/api-keys/{id}/rotate") => Self::Form(vec![("overlap_hours", "24".to_owned())]),
            ("POST", "/api/v1/api-keys/{id}/rotate") => Self::Json(json!({ "overlap_hours": 24 })),
            ("POST", "/api/v1/auth/leaked-keys") => Self::Json(json!([])),
            ("POST", "/account") => Self::Form(vec![("name", format!("{kind:?}")), ("theme", "dark".to_owned())]),
            ("POST", "/account/check") => Self::Form(vec![("name", String::new())]),
            ("PUT", "/api/v1/me/profile") => Self::Json(json!({ "name": format!("{kind:?}"), "theme": "dark" })),
            ("POST", "/workspaces") => Self::Form(vec![("name", format!("Site of {kind:?}"))]),
            ("POST", "/api/v1/workspaces") => Self::Json(json!({ "name": format!("Other site of {kind:?}") })),
            ("POST", "/workspaces/{id}/name") => Self::Form(vec![("name", "Renamed".to_owned())]),
            ("PATCH", "/api/v1/workspaces/{id}") => Self::Json(json!({ "name": "Renamed" })),
            ("POST", "/api/v1/agents") => Self::Json(json!({ "name": format!("New of {kind:?}") })),
            ("POST", "/files" | "/api/v1/files") => Self::Upload,
            ("POST", "/account/avatar") | ("PUT", "/api/v1/me/avatar") => Self::Upload,
            ("POST", "/notifications/preferences") => Self::Form(vec![("mail:tenancy.member.joined", "off".to_owned())]),
            ("PUT", "/api/v1/notifications/preferences") => Self::Json(json!({ "kind": "tenancy.member.joined", "mail": "off" })),
            ("POST", "/api/v1/notifications/read") => Self::Json(json!({})),
            ("POST", "/channels" | "/channels/{id}") => {
                let form = [("format", "slack"), ("name", "On-call"), ("address", "http://127.0.0.1:9/")];
                Self::Form(form.map(|(name, value)| (name, value.to_owned())).to_vec())
            }
            ("POST", "/channels/{id}/state") => Self::Form(vec![("state", "active".to_owned())]),
            ("POST", "/api/v1/channels") => Self::Json(json!({ "format": "json", "name": "On-call", "address": "http://127.0.0.1:9/" })),
            ("PATCH", "/api/v1/channels/{id}") => Self::Json(json!({ "name": "Canarybird" })),
            ("POST", "/webhooks" | "/webhooks/{id}") => Self::Form(vec![("url", "http://127.0.0.1:9/".to_owned())]),
            ("POST", "/webhooks/{id}/state") => Self::Form(vec![("state", "active".to_owned())]),
            ("POST", "/api/v1/webhooks") => Self::Json(json!({ "url": "http://127.0.0.1:9/" })),
            ("PATCH", "/api/v1/webhooks/{id}") => Self::Json(json!({ "description": "Canarybird" })),
            ("POST", "/roles") => {
                Self::Form(vec![("name", format!("Made by {kind:?}")), ("permissions", "monitoring.device.read".to_owned())])
            }
            ("POST", "/api/v1/roles") => Self::Json(json!({ "name": format!("Also made by {kind:?}"), "permissions": [] })),
            ("POST", "/roles/{id}") => Self::Form(vec![("name", Uuid::now_v7().to_string())]),
            ("PUT", "/api/v1/roles/{id}") => Self::Json(json!({ "name": Uuid::now_v7().to_string(), "permissions": [] })),
            ("POST", "/members/invite") => Self::Form(vec![
                ("emails", format!("invited-{kind:?}@example.com").replace(['(', ')'], "-")),
                ("role", "viewer".to_owned()),
            ]),
            ("POST", "/api/v1/invitations") => {
                let address = format!("asked-{kind:?}@example.com").replace(['(', ')'], "-");
                Self::Json(json!({ "emails": [address], "role": "viewer" }))
            }
            ("POST", "/invitation") => Self::Form(vec![("token", "none".to_owned())]),
            ("POST", "/api/v1/invitations/accept") => Self::Json(json!({ "token": "none" })),
            ("POST", "/members/{user}/role") => Self::Form(vec![("role", "member".to_owned())]),
            ("PATCH", "/api/v1/members/{user}") => Self::Json(json!({ "role": "member" })),
            ("POST", "/organizations") => Self::Form(vec![("name", "One more".to_owned())]),
            ("POST", "/api/v1/organizations") => Self::Json(json!({ "name": "One more" })),
            ("POST", "/organizations/switch") => Self::Form(vec![("organization", tenant.to_string())]),
            ("POST", "/api/v1/agent/register" | "/api/agent/register") => Self::Json(registration(instance)),
            ("POST", "/api/v1/agent/heartbeat" | "/api/agent/heartbeat") => {
                Self::Json(json!({ "at": time, "version": "0.1.0", "uptime_seconds": 1, "buffered": 0 }))
            }
            ("POST", "/api/v1/agent/devices" | "/api/agent/devices") => {
                Self::Json(json!({ "devices": [{ "address": "10.0.0.2", "found_by": ["icmp"] }] }))
            }
            ("POST", "/api/v1/agent/status" | "/api/agent/status") => {
                Self::Json(json!({ "readings": [{ "address": "10.0.0.1", "at": time, "up": true }] }))
            }
            // Enough to be let in; signing up in earnest takes longer than all else together.
            ("POST", "/sign-in/second" | "/account/second-factor/app/confirm") => Self::Form(vec![("code", String::new())]),
            ("POST", "/sign-in/passkey" | "/account/passkeys") => Self::Form(vec![("credential", String::new())]),
            ("POST", "/api/v1/auth/sign-in/passkey" | "/api/v1/me/passkeys") => Self::Json(json!({ "credential": {} })),
            ("POST", "/account/passkeys/{id}/rename") => Self::Form(vec![("name", "Key ring".to_owned())]),
            ("PATCH", "/api/v1/me/passkeys/{id}") => Self::Json(json!({ "name": "Key ring" })),
            ("POST", "/api/v1/me/second-factor/app/confirm") => Self::Json(json!({ "code": "" })),
            ("POST", "/account/prove" | "/account/second-factor/off") => Self::Form(vec![("password", String::new())]),
            ("POST", "/api/v1/auth/prove" | "/api/v1/me/second-factor/off") => Self::Json(json!({ "password": "" })),
            ("POST", "/account/second-factor/off/confirm") => Self::Form(vec![("token", "none".to_owned())]),
            ("POST", "/api/v1/me/second-factor/off/confirm") => Self::Json(json!({ "token": "none" })),
            ("POST", "/organization/settings") => {
                let called = if kind == Kind::Other { "other" } else { "canarybird" };
                Self::Form(["name", "slug"].map(|field| (field, called.to_owned())).to_vec())
            }
            ("PATCH", "/api/v1/organization") => Self::Json(json!({ "slug": if kind == Kind::Other { "other" } else { "canarybird" } })),
            // Enough to be let in; what happens then would happen to all that are called after.
            ("POST", "/organization/owner") => Self::Form(vec![("member", String::new())]),
            ("POST", "/api/v1/organization/owner") => Self::Json(json!({ "member": Uuid::nil() })),
            ("POST", "/organization/deletion") => Self::Form(vec![("name", String::new())]),
            ("POST", "/api/v1/organization/deletion") => Self::Json(json!({ "name": "" })),
            ("POST", "/organizations/restore") => Self::Form(vec![("organization", tenant.to_string())]),
            ("POST", "/organization/security") => Self::Form(vec![("required", "false".to_owned())]),
            ("PUT", "/api/v1/organization/second-factor") => Self::Json(json!({ "required": false })),
            ("POST", "/sign-up" | "/sign-in" | "/sign-in/mail" | "/sign-in/code" | "/verify/resend" | "/reset") => {
                Self::Form(vec![("email", String::new())])
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
            ) => Self::Form(vec![("token", "none".to_owned())]),
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
            ) => Self::Json(json!({ "email": "" })),
            ("POST", "/api/v1/auth/token") => Self::Json(json!({ "organization": "" })),
            ("POST", "/api/v1/auth/token/refresh") => Self::Json(json!({ "refresh_token": "none" })),
            ("POST", "/api/v1/auth/token/revoke") => Self::Json(json!({ "token": "none" })),
            ("POST", "/sign-in/with/{provider}") => Self::Form(Vec::new()),
            ("POST", "/sign-in/with/{provider}/return" | "/sign-in/with/{provider}/posted") => {
                Self::Form(vec![("state", "none".to_owned())])
            }
            ("POST", "/api/v1/auth/providers/{provider}") => Self::Json(json!({})),
            ("POST", "/dev/oidc/authorize" | "/dev/oidc/token") => Self::Form(Vec::new()),
            ("POST", "/account/password") => Self::Form(vec![("current_password", String::new())]),
            ("PUT", "/api/v1/auth/password") => Self::Json(json!({ "current_password": "" })),
            ("POST", "/account/consent") => Self::Form(vec![("consents", String::new())]),
            ("POST", "/account/consents/{document}") => Self::Form(vec![("version", "1".to_owned()), ("given", "true".to_owned())]),
            ("PUT", "/api/v1/me/consents/{document}") => Self::Json(json!({ "version": "1", "given": true })),
            ("POST", "/billing/checkout" | "/billing/change") => {
                Self::Form([("plan", "team"), ("interval", "month")].map(|(name, value)| (name, value.to_owned())).to_vec())
            }
            (
                "POST",
                "/api/v1/billing/checkout"
                | "/api/billing/checkout"
                | "/api/billing/subscribe"
                | "/api/v1/billing/change-plan"
                | "/api/billing/change-plan",
            ) => Self::Json(json!({ "plan": "team", "interval": "month" })),
            ("POST", "/api/v1/billing/webhook" | "/api/billing/webhook") => Self::Json(json!({ "id": "evt_1" })),
            ("POST", "/mail") => Self::Form(vec![("name", "Acme".to_owned())]),
            ("PUT", "/api/v1/mail/brand") => Self::Json(json!({ "name": "Acme" })),
            ("POST", "/account/export") => Self::Form(vec![("password", String::new())]),
            ("POST", "/api/v1/me/exports") => Self::Json(json!({})),
            ("POST", "/account/deletion") => Self::Form(vec![("password", String::new())]),
            ("POST", "/api/v1/me/deletion") => Self::Json(json!({})),
            ("POST", "/account/email") => Self::Form(vec![("email", "nobody".to_owned())]),
            ("PUT", "/api/v1/me/email") => Self::Json(json!({ "email": "nobody" })),
            (
                "POST",
                "/api/v1/auth/sign-in/link" | "/api/v1/me/deletion/confirm" | "/api/v1/me/email/confirm" | "/api/v1/me/email/refuse",
            ) => Self::Json(json!({ "token": "none" })),
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
                | "/sessions/{id}/end"
                | "/sessions/programs/{id}/end"
                | "/sessions/end-others"
                | "/sign-out"
                | "/api/v1/auth/sign-out",
            ) => Self::Empty,
            (method, path) => panic!("say what a good request to {method} {path} looks like"),
        }
    }

    pub(super) async fn send(&self, client: &TestClient, route: &RouteInfo, path: &str) -> (StatusCode, String) {
        let accept = if route.path.starts_with("/api/") { "application/json" } else { "text/html" };
        let answer = match self {
            Self::Stream => return (client.open(path).await.status(), String::new()),
            Self::Get => client.call(Method::GET, path, accept, None, bytes::Bytes::new()).await,
            Self::Empty => client.call(route.method.clone(), path, accept, None, bytes::Bytes::new()).await,
            Self::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                client.form(path, &fields).await
            }
            Self::Upload => upload(client, route.method.clone(), path, "plan.txt").await,
            Self::Json(body) => client.json(route.method.clone(), path, body).await,
        };
        (answer.status, answer.text())
    }
}

/// Sends a small text file, as a browser's form does.
pub(crate) async fn upload(client: &TestClient, method: Method, path: &str, name: &str) -> Answer {
    let head = format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let body = head + "a plan\r\n--x--\r\n";
    let accept = if path.starts_with("/api/") { "application/json" } else { "text/html" };
    client.call(method, path, accept, Some("multipart/form-data; boundary=x"), body.into()).await
}
