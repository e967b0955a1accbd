//! A code for tokens (RFC 6749, section 4.1.3, with RFC 7636).

use futures_core::future::BoxFuture;
use http::StatusCode;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, ExtraTokenFields, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use saas_core::{Outbound, OutboundError, Secret};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Asked, ProviderError};

type Tokens = StandardTokenResponse<IdTokenField, BasicTokenType>;
type Unset = oauth2::EndpointNotSet;
type Spoken = Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Unset,
    Unset,
    Unset,
    Unset,
    Unset,
>;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

/// Us, as a provider knows us.
pub(super) struct Party<'a> {
    pub(super) client_id: &'a str,
    pub(super) redirect: &'a Url,
}

/// What a code was worth. It is used at once and not kept.
pub(super) struct Received {
    pub(super) access: Secret,
    pub(super) id_token: Option<Secret>,
}

impl Party<'_> {
    fn client(&self) -> Spoken {
        Client::new(ClientId::new(self.client_id.to_owned())).set_redirect_uri(RedirectUrl::from_url(self.redirect.clone()))
    }

    /// Where somebody says to the provider who they are.
    pub(super) fn authorization(&self, endpoint: Url, asked: &Asked, scopes: &[&str], extra: &[(&str, &str)]) -> Url {
        let client = self.client().set_auth_uri(AuthUrl::from_url(endpoint));
        let state = asked.state.expose().to_owned();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier(asked));
        let request = client.authorize_url(move || CsrfToken::new(state)).set_pkce_challenge(challenge);
        let request = request.add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())));
        extra.iter().fold(request, |request, (name, value)| request.add_extra_param(*name, *value)).url().0
    }

    /// What the code is worth.
    pub(super) async fn exchange(
        &self,
        outbound: &Outbound,
        endpoint: Url,
        secret: &Secret,
        in_header: bool,
        code: &Secret,
        asked: &Asked,
    ) -> Result<Received, ProviderError> {
        let client = self
            .client()
            .set_client_secret(ClientSecret::new(secret.expose().to_owned()))
            .set_auth_type(if in_header { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_token_uri(TokenUrl::from_url(endpoint));
        let http = Http(outbound);
        let request = client.exchange_code(AuthorizationCode::new(code.expose().to_owned())).set_pkce_verifier(verifier(asked));
        let tokens = request.request_async(&http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => ProviderError::away(error),
            // Some write what is wrong into an answer that looks like a good one.
            RequestTokenError::ServerResponse(error) => ProviderError::refused(error.error().as_ref().to_owned()),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => ProviderError::refused("no answer of the kind that was expected"),
        })?;
        Ok(Received {
            access: Secret::new(tokens.access_token().secret().as_str()),
            id_token: tokens.extra_fields().id_token.as_deref().map(Secret::new),
        })
    }
}

fn verifier(asked: &Asked) -> PkceCodeVerifier {
    PkceCodeVerifier::new(asked.verifier.expose().to_owned())
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Url(#[from] url::ParseError),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("it answered {0}")]
    Failing(StatusCode),
}

/// What the library calls providers with.
struct Http<'a>(&'a Outbound);

impl<'c> AsyncHttpClient<'c> for Http<'_> {
    type Error = SendError;
    type Future = BoxFuture<'c, Result<HttpResponse, SendError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(self.0, request))
    }
}

async fn send(outbound: &Outbound, request: HttpRequest) -> Result<HttpResponse, SendError> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string())?;
    let answer = outbound.send(parts.method, &url, parts.headers, body.into()).await?;
    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return Err(SendError::Failing(answer.status));
    }
    let mut response = HttpResponse::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
