use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::webhooks::receiver::Got;

/// The browser of RFC 8291, appendix A: what it says of itself, and what it reads with.
pub(super) const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
pub(super) const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const SECRET: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";

/// A browser and its push service, made of libraries that know nothing of us: what was said, and who says that they sent it.
const READ: &str = r#"
import base64, json, sys
import http_ece, jwt
from cryptography.hazmat.primitives.asymmetric import ec

def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

def point(text):
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(text))

def read(got):
    scheme, _, parameters = got["authorization"].partition(" ")
    parameters = dict(part.strip().split("=", 1) for part in parameters.split(","))
    claims = jwt.decode(parameters["t"], point(parameters["k"]), algorithms=["ES256"], audience=got["audience"],
                        options={"require": ["aud", "exp", "sub"], "verify_exp": False})
    secret = ec.derive_private_key(int.from_bytes(decode(got["secret"]), "big"), ec.SECP256R1())
    said = http_ece.decrypt(decode(got["body"]), private_key=secret, auth_secret=decode(got["auth"]), version="aes128gcm")
    return {"scheme": scheme, "key": parameters["k"], "claims": claims, "said": json.loads(said)}

print(json.dumps([read(got) for got in json.load(sys.stdin)]))
"#;

/// What a message came to where it was sent: `said`, and of who sent it `scheme`, `key` and `claims`.
pub(super) async fn read(got: &[Got], audience: &str) -> Vec<Value> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python3");
    let mut child = Command::new(python)
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}; tests/install makes it"));
    let given = got.iter().map(|got| {
        json!({
            "authorization": got.header("authorization"), "audience": audience, "secret": SECRET, "auth": AUTH,
            "body": URL_SAFE_NO_PAD.encode(&got.body),
        })
    });
    let given = Value::Array(given.collect());
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
