use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use super::{Nonce, TenantHost, Web};
use crate::{
    Declares, Preferences, Principal, Problem, Standing, Surroundings,
    pages::{Form, Frame, FrameTenant, FrameUser, Locale, NavItem, TextValue, Texts},
};

/// Renders pages for the request at hand: in its language, with the frame that fits who is asking.
#[derive(Debug, Clone)]
pub struct Page {
    web: Arc<Web>,
    locale: Locale,
    frame: Frame,
    fragment: bool,
}

impl Page {
    /// Renders a template.
    ///
    /// # Errors
    ///
    /// Fails if the context does not fit the template.
    pub fn render(&self, template: &str, context: impl Serialize) -> Result<Html, Problem> {
        self.web.pages.page(template, self.locale, &self.frame, context).map(Html).map_err(Problem::internal)
    }

    /// Renders a form again as it was filled in, with what is wrong: 422.
    ///
    /// # Errors
    ///
    /// Fails if the context does not fit the template.
    pub fn refuse(&self, template: &str, context: impl Serialize) -> Result<Response, Problem> {
        Ok((StatusCode::UNPROCESSABLE_ENTITY, self.render(template, context)?).into_response())
    }

    /// A form as it was filled in, with its errors in the reader's language. Never pass a password.
    #[must_use]
    pub fn form(&self, values: &[(&str, &str)], errors: &FormErrors) -> Form {
        let texts = self.web.pages.texts(self.locale);
        let mut form = Form::default();
        for (field, value) in values {
            form = form.value(field, *value);
        }
        let told = |FieldText { text, numbers }: &FieldText| {
            let numbers: Vec<_> = numbers.iter().map(|(name, value)| (*name, TextValue::Number(*value))).collect();
            texts.get(text, &numbers)
        };
        for (field, text) in &errors.fields {
            form = form.field_error(field, told(text));
        }
        match &errors.form {
            Some(text) => form.error(told(text)),
            None => form,
        }
    }

    /// A text in the reader's language.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.web.pages.texts(self.locale).get(key, &[])
    }

    /// A text in the reader's language, or other words where there is none.
    #[must_use]
    pub fn text_or(&self, key: &str, otherwise: &str) -> String {
        text_or(&self.web.pages.texts(self.locale), key, otherwise)
    }

    /// What a role is called: in the reader's language if it is built in, by its own name if a tenant made it.
    #[must_use]
    pub fn role(&self, name: &str) -> String {
        self.text_or(&format!("role-{name}"), name)
    }

    /// A text in the reader's language whose values are the texts and numbers of a JSON object.
    #[must_use]
    pub fn sentence(&self, key: &str, values: &serde_json::Value) -> String {
        self.web.pages.texts(self.locale).sentence(key, values)
    }

    /// Whether the script asks for a part of the page, to put it in the place of the old one.
    #[must_use]
    pub fn is_fragment(&self) -> bool {
        self.fragment
    }

    /// The reader's language.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// What stands around the application.
    #[must_use]
    pub fn web(&self) -> &Web {
        &self.web
    }

    pub(super) fn of(web: &Arc<Web>, parts: &Parts) -> Self {
        let (locale, preferences) = (Locale::of(parts), Preferences::of(parts));
        let texts = web.pages.texts(locale);
        let path = parts.uri.path();
        let role = |name: &str| text_or(&texts, &format!("role-{name}"), name);
        let tenant = |id: String, slug: &str, name: &str, in_role: &str| FrameTenant {
            id,
            slug: slug.to_owned(),
            name: name.to_owned(),
            role: role(in_role),
        };
        let signed_in = match parts.extensions.get::<Principal>() {
            Some(Principal::User(signed_in)) => Some(signed_in),
            _ => None,
        };
        // A machine that asks for a page is told in one what is wrong; it has no role that people have a word for.
        let standing = parts.extensions.get::<Standing>().or_else(|| Some(&parts.extensions.get::<Surroundings>()?.0));
        let standing = standing.filter(|_| signed_in.is_some());
        let frame = Frame {
            nonce: parts.extensions.get::<Nonce>().map(|nonce| nonce.as_str().to_owned()).unwrap_or_default(),
            theme: preferences.theme.forced(),
            time_zone: preferences.time_zone,
            path: path.to_owned(),
            visitor: matches!(parts.extensions.get(), Some(Principal::Anonymous)),
            user: signed_in.map(|it| FrameUser {
                id: it.user.to_string(),
                session: it.session.to_string(),
                email: it.email.clone(),
                name: it.name.clone(),
                picture: it.picture.clone(),
                operator: it.operator.is_some(),
            }),
            here: standing.map(|it| format!("?organization={}", it.tenant)).unwrap_or_default(),
            tenant: standing.map(|it| tenant(it.tenant.to_string(), &it.slug, &it.name, &it.role)),
            // From a tenant's host people go to the main one to choose another.
            memberships: signed_in
                .filter(|_| parts.extensions.get::<TenantHost>().is_none())
                .map(|it| it.memberships.iter().map(|m| tenant(m.id.to_string(), &m.slug, &m.name, &m.role)).collect())
                .unwrap_or_default(),
            // The navigation leads into a tenant, so it needs one.
            nav: standing.map(|it| nav(web, &texts, path, &it.permissions)).unwrap_or_default(),
            banner: parts.extensions.get().filter(|_| signed_in.is_some()).cloned(),
        };
        Self { web: Arc::clone(web), locale, frame, fragment: parts.headers.contains_key("x-fragment") }
    }
}

fn text_or(texts: &Texts, key: &str, otherwise: &str) -> String {
    if texts.contains(key) { texts.get(key, &[]) } else { otherwise.to_owned() }
}

fn nav(web: &Web, texts: &Texts, path: &str, permissions: &[&'static str]) -> Vec<NavItem> {
    web.nav
        .iter()
        .filter(|link| link.permission.is_none_or(|permission| permissions.contains(&permission)))
        .map(|link| NavItem {
            href: link.href.to_owned(),
            label: texts.get(link.text, &[]),
            badge: link.badge.map(ToOwned::to_owned),
            of_organization: link.of_organization,
            current: path == link.href || path.strip_prefix(link.href).is_some_and(|rest| rest.starts_with('/')),
        })
        .collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let web = parts.extensions.get::<Arc<Web>>().ok_or_else(|| Problem::missing_layer("finish"))?;
        Ok(Self::of(web, parts))
    }
}

impl Declares for Page {}

/// A page.
#[derive(Debug, Clone)]
pub struct Html(pub String);

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], self.0).into_response()
    }
}

/// What is wrong with a form, by field, as keys of texts.
///
/// ```
/// let mut errors = saas_core::FormErrors::default();
/// errors.add("email", "auth-error-email");
/// assert!(!errors.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormErrors {
    fields: BTreeMap<&'static str, FieldText>,
    form: Option<FieldText>,
}

/// The key of a text and the numbers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldText {
    text: &'static str,
    numbers: Vec<(&'static str, i64)>,
}

impl FormErrors {
    /// Something is wrong with this field; the first thing said of a field stands.
    pub fn add(&mut self, field: &'static str, text: &'static str) {
        self.add_with(field, text, &[]);
    }

    /// As [`add`](Self::add), for a text with numbers in it: `minimum`, `maximum`.
    pub fn add_with(&mut self, field: &'static str, text: &'static str, numbers: &[(&'static str, i64)]) {
        self.fields.entry(field).or_insert_with(|| FieldText { text, numbers: numbers.to_vec() });
    }

    /// Something is wrong with the form as a whole.
    #[must_use]
    pub fn whole(text: &'static str) -> Self {
        Self::whole_with(text, &[])
    }

    /// As [`whole`](Self::whole), for a text with numbers in it: `minutes`.
    #[must_use]
    pub fn whole_with(text: &'static str, numbers: &[(&'static str, i64)]) -> Self {
        Self { fields: BTreeMap::new(), form: Some(FieldText { text, numbers: numbers.to_vec() }) }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.form.is_none()
    }
}
