//! Where people can have an account with which they sign in.
//!
//! `SAAS_OIDC_PROVIDERS` (in a file `oidc.providers`) names them, in the order in which they are shown: `google`, `microsoft`, `apple`, `github`, and any
//! other name for any other OpenID Connect provider. What each needs stands under its name, as `SAAS_OIDC_GOOGLE_CLIENT_ID` (`oidc.google.client_id`);
//! a dash in a name is an underscore in a variable.
//!
//! | setting | for | what |
//! |---|---|---|
//! | `CLIENT_ID` | all | how the provider knows the product |
//! | `CLIENT_SECRET` | all but Apple | what it shows to the provider |
//! | `TENANT` | Microsoft | the id of an organization, or `organizations`, `consumers` or `common`, which is the default |
//! | `TEAM_ID`, `KEY_ID`, `KEY` | Apple | the team, and the id and the content of the key file that Apple gave out |
//! | `URL` | GitHub | the address of a server of one's own |
//! | `ISSUER` | others | the provider, as it writes itself |
//! | `VOUCHES` | others | `true`: what it says of addresses is believed |
//! | `AUTHORITATIVE_FOR` | others | domains whose addresses it hands out itself, separated by commas |
//! | `LABEL` | all | what people call it |
//! | `SCOPES` | all | what it is asked for beside `openid`, separated by commas |
//!
//! The provider is told to send people back to `/sign-in/with/{name}/return`, and Apple to `/sign-in/with/apple/posted`.

use saas_auth::{AppleKey, Provider};
use saas_core::{Clock, Routes, Secret, Settings};
use url::Url;

use crate::Error;

/// The settings of one provider.
struct Of<'a> {
    settings: &'a mut Settings,
    name: &'a str,
}

pub(crate) fn read(settings: &mut Settings) -> Vec<Provider> {
    let names: Vec<String> = settings.list("oidc.providers", "SAAS_OIDC_PROVIDERS");
    names.iter().map(|name| Of { settings: &mut *settings, name }.provider()).collect()
}

/// One more that believes everybody, and its pages: for development on this very machine.
#[cfg(feature = "dev-oidc")]
pub(crate) fn development(providers: &mut Vec<Provider>, public_url: &Url, clock: Clock) -> Result<Option<Routes>, Error> {
    if !crate::development::is_here(public_url) {
        return Ok(None);
    }
    let failed = |error| Error::io("the sign-in provider of development")(std::io::Error::other(error));
    let provider = saas_auth::DevProvider::new(public_url, clock).map_err(failed)?;
    providers.push(provider.provider());
    Ok(Some(provider.routes()))
}

/// This program was built without it.
#[cfg(not(feature = "dev-oidc"))]
pub(crate) fn development(_: &mut Vec<Provider>, _: &Url, _: Clock) -> Result<Option<Routes>, Error> {
    Ok(None)
}

impl Of<'_> {
    fn provider(&mut self) -> Provider {
        let client_id: String = self.required("client_id");
        let provider = match self.name {
            "apple" => {
                let (team, id, key) =
                    (self.required::<String>("team_id"), self.required::<String>("key_id"), self.required::<Secret>("key"));
                Provider::apple(client_id, AppleKey::new(team, id, key))
            }
            "google" => Provider::google(client_id, self.required("client_secret")),
            "microsoft" => {
                let tenant: String = self.optional("tenant").unwrap_or_else(|| "common".to_owned());
                Provider::microsoft(&tenant, client_id, self.required("client_secret"))
            }
            "github" => match self.optional::<Url>("url") {
                Some(url) => Provider::github_enterprise(&url, client_id, self.required("client_secret")),
                None => Provider::github(client_id, self.required("client_secret")),
            },
            name => {
                let issuer: String = self.required("issuer");
                let oidc = Provider::oidc(name, &issuer, client_id, self.required("client_secret"));
                self.trusted(oidc)
            }
        };
        let provider = match self.optional::<String>("label") {
            Some(label) => provider.label(label),
            None => provider,
        };
        let (setting, variable) = self.called("scopes");
        let scopes: Vec<String> = self.settings.list(&setting, &variable);
        let provider = if scopes.is_empty() { provider } else { provider.scopes(scopes) };
        if let Err(flaw) = provider.check() {
            self.settings.refuse(flaw.to_string());
        }
        provider
    }

    fn trusted(&mut self, provider: Provider) -> Provider {
        let provider = if self.optional("vouches").unwrap_or(false) { provider.vouches_for_addresses() } else { provider };
        let (setting, variable) = self.called("authoritative_for");
        let domains: Vec<String> = self.settings.list(&setting, &variable);
        domains.iter().fold(provider, |provider, domain| provider.authoritative_for(domain))
    }

    fn called(&self, what: &str) -> (String, String) {
        let variable = format!("SAAS_OIDC_{}_{what}", self.name).to_ascii_uppercase().replace('-', "_");
        (format!("oidc.{}.{what}", self.name), variable)
    }

    fn optional<T>(&mut self, what: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let (setting, variable) = self.called(what);
        self.settings.optional(&setting, &variable)
    }

    fn required<T>(&mut self, what: &str) -> T
    where
        T: std::str::FromStr + Default,
        T::Err: std::fmt::Display,
    {
        let (setting, variable) = self.called(what);
        self.settings.required(&setting, &variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(environment: &[(&str, &str)]) -> Result<Vec<Provider>, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::new(None, environment).unwrap();
        let providers = read(&mut settings);
        settings.finish().map(|()| providers).map_err(|error| error.to_string())
    }

    #[test]
    fn providers_are_named_and_each_says_what_it_lacks() {
        let read = read_from(&[
            ("SAAS_OIDC_PROVIDERS", "google, our-staff"),
            ("SAAS_OIDC_GOOGLE_CLIENT_ID", "id"),
            ("SAAS_OIDC_GOOGLE_CLIENT_SECRET", "secret"),
            ("SAAS_OIDC_OUR_STAFF_CLIENT_ID", "id"),
            ("SAAS_OIDC_OUR_STAFF_CLIENT_SECRET", "secret"),
            ("SAAS_OIDC_OUR_STAFF_ISSUER", "https://id.example.com"),
        ]);
        assert_eq!(read.unwrap().len(), 2);
        let lacking =
            read_from(&[("SAAS_OIDC_PROVIDERS", "github,apple,staff"), ("SAAS_OIDC_STAFF_ISSUER", "http://id.example.com")]).unwrap_err();
        for missing in ["SAAS_OIDC_GITHUB_CLIENT_ID", "SAAS_OIDC_APPLE_KEY", "SAAS_OIDC_STAFF_CLIENT_SECRET"] {
            assert!(lacking.contains(missing), "{missing}: {lacking}");
        }
        let plain = read_from(&[
            ("SAAS_OIDC_PROVIDERS", "staff"),
            ("SAAS_OIDC_STAFF_CLIENT_ID", "id"),
            ("SAAS_OIDC_STAFF_CLIENT_SECRET", "secret"),
            ("SAAS_OIDC_STAFF_ISSUER", "http://id.example.com"),
        ]);
        assert!(plain.unwrap_err().contains("https://"));
        assert_eq!(read_from(&[]).unwrap().len(), 0);
    }
}
