//! A provider that says what it is told to say.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use saas_auth::Provider;
use saas_core::{Clock, Secret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

pub(crate) const CLIENT: &str = "our-client";
pub(crate) const SECRET: &str = "a secret that both sides know";

/// One that runs on this machine until it is dropped.
pub(crate) struct Fake {
    pub(crate) issuer: String,
    script: Arc<Mutex<Script>>,
    server: tokio::task::JoinHandle<()>,
}

/// How it behaves.
pub(crate) struct Script {
    clock: Clock,
    /// Who it says that it is, in its document and in tokens.
    pub(crate) claims_to_be: String,
    /// What is changed in the claims of each token.
    pub(crate) lie: Value,
    pub(crate) sign: Sign,
    pub(crate) mood: Mood,
    /// The keys that it publishes, by their names.
    pub(crate) published: BTreeMap<&'static str, SigningKey>,
    /// Whether its answers say whose they are (RFC 9207).
    pub(crate) says_iss: bool,
    /// What its API says of whoever has a token.
    pub(crate) api: BTreeMap<&'static str, Value>,
    codes: BTreeMap<String, Grant>,
    /// How often each path was asked for.
    pub(crate) asked: BTreeMap<String, usize>,
    /// What came with the last code.
    pub(crate) shown: BTreeMap<String, String>,
}

struct Grant {
    claims: Value,
    nonce: Option<String>,
    challenge: String,
}

/// How tokens are signed.
#[derive(Clone)]
pub(crate) enum Sign {
    /// As they should be, with this key under this name.
    With(&'static str, SigningKey),
    /// With `alg: none` and nothing.
    Nothing,
    /// With a secret, by HS256.
    Shared(Vec<u8>),
    /// As they should be, but the head says something else.
    Head(Value),
    /// As they should be, and then a claim is changed.
    Tampered,
    /// There is none.
    Missing,
    /// It is no token.
    Garbage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// It answers 500.
    Broken,
    /// It does not answer.
    Silent,
    /// It sends people elsewhere.
    Redirecting,
    /// It answers with more than anybody would read.
    Endless,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

impl Fake {
    pub(crate) async fn start(clock: &Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script {
            clock: clock.clone(),
            claims_to_be: issuer.clone(),
            lie: json!({}),
            sign: Sign::With("one", key(1)),
            mood: Mood::Well,
            published: BTreeMap::from([("one", key(1))]),
            says_iss: false,
            api: BTreeMap::new(),
            codes: BTreeMap::new(),
            asked: BTreeMap::new(),
            shown: BTreeMap::new(),
        }));
        let router = Router::new().fallback(any(answer)).with_state((issuer.clone(), Arc::clone(&script)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, script, server }
    }

    /// As it is set up by somebody who believes what it says of addresses.
    pub(crate) fn provider(&self, name: &str) -> Provider {
        Provider::oidc(name, &self.issuer, CLIENT, Secret::new(SECRET)).label("The Fake").vouches_for_addresses()
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        format!("{}{path}", self.issuer).parse().unwrap()
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap())
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.set(|script| script.asked.get(path).copied().unwrap_or_default())
    }

    /// Somebody comes with an address and shows that they are whoever the claims say; what they are sent back with.
    pub(crate) fn authorize(&self, url: &str, claims: &Value) -> Vec<(&'static str, String)> {
        let url: Url = url.parse().unwrap();
        let asks: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(asks["code_challenge_method"], "S256");
        assert_eq!((asks["response_type"].as_str(), asks["client_id"].as_str()), ("code", CLIENT));
        let grant = Grant { claims: claims.clone(), nonce: asks.get("nonce").cloned(), challenge: asks["code_challenge"].clone() };
        let code = format!("code-{}", uuid::Uuid::now_v7());
        self.set(|script| {
            script.codes.insert(code.clone(), grant);
            let mut back = vec![("state", asks["state"].clone()), ("code", code)];
            if script.says_iss {
                back.push(("iss", script.claims_to_be.clone()));
            }
            back
        })
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State((issuer, script)): State<(String, Arc<Mutex<Script>>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mood = {
        let mut script = script.lock().unwrap();
        *script.asked.entry(path.clone()).or_default() += 1;
        script.mood
    };
    match mood {
        Mood::Well => {}
        Mood::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Silent => {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        Mood::Redirecting => return axum::response::Redirect::temporary("http://127.0.0.1:9/elsewhere").into_response(),
        Mood::Endless => return json_answer_of(" ".repeat(64 << 20)),
    }
    let mut script = script.lock().unwrap();
    match path.as_str() {
        "/.well-known/openid-configuration" => json_answer(&json!({
            "issuer": script.claims_to_be,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "authorization_response_iss_parameter_supported": script.says_iss,
        })),
        "/keys" => {
            let keys: Vec<_> = script.published.iter().map(|(name, key)| public(name, key)).collect();
            json_answer(&json!({ "keys": keys }))
        }
        "/token" | "/login/oauth/access_token" => script.exchange(&parts.headers, &body),
        path => match script.api.get(path) {
            Some(value) if parts.headers["authorization"] == "Bearer an-access-token" => json_answer(value),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

impl Script {
    fn exchange(&mut self, headers: &http::HeaderMap, body: &[u8]) -> Response {
        self.shown = url::form_urlencoded::parse(body).into_owned().collect();
        if let Some(basic) = headers.get("authorization") {
            self.shown.insert("authorization".to_owned(), basic.to_str().unwrap().to_owned());
        }
        let grant = self.shown.get("code").and_then(|code| self.codes.remove(code));
        let verifier = self.shown.get("code_verifier").cloned().unwrap_or_default();
        let Some(grant) = grant.filter(|grant| URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier)) == grant.challenge) else {
            return (StatusCode::BAD_REQUEST, json_answer(&json!({ "error": "invalid_grant" }))).into_response();
        };
        let now = self.clock.now().timestamp();
        let mut claims = json!({ "iss": self.claims_to_be, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": grant.nonce });
        merge(&mut claims, &grant.claims);
        merge(&mut claims, &self.lie);
        let mut tokens = json!({ "access_token": "an-access-token", "token_type": "Bearer" });
        if let Some(token) = self.sign.token(&claims) {
            tokens["id_token"] = token.into();
        }
        json_answer(&tokens)
    }
}

/// What is null in the second is taken out of the first.
fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}

impl Sign {
    fn token(&self, claims: &Value) -> Option<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = |head: &Value, key: &SigningKey| {
            let text = format!("{}.{}", part(head), part(claims));
            let signature: Signature = key.sign(text.as_bytes());
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
        };
        Some(match self {
            Self::With(name, key) => signed(&json!({ "alg": "ES256", "kid": name }), key),
            Self::Head(head) => signed(head, &key(1)),
            Self::Nothing => format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims)),
            Self::Shared(secret) => {
                let text = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": "one" })), part(claims));
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac_sha256(secret, text.as_bytes())))
            }
            Self::Tampered => {
                let token = signed(&json!({ "alg": "ES256", "kid": "one" }), &key(1));
                let mut other = claims.clone();
                other["sub"] = "somebody else".into();
                let [head, _, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
                format!("{head}.{}.{signature}", part(&other))
            }
            Self::Garbage => "a.b.c".to_owned(),
            Self::Missing => return None,
        })
    }
}

/// HMAC (RFC 2104).
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    let short = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block[..short.len()].copy_from_slice(&short);
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36)[..], message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner].concat()).to_vec()
}

pub(crate) fn public(name: &str, key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = (URL_SAFE_NO_PAD.encode(point.x().unwrap()), URL_SAFE_NO_PAD.encode(point.y().unwrap()));
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": name, "x": x, "y": y })
}

fn json_answer(value: &Value) -> Response {
    json_answer_of(value.to_string())
}

fn json_answer_of(text: String) -> Response {
    ([("content-type", "application/json")], text).into_response()
}
