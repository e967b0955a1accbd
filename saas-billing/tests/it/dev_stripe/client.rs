use reqwest::{Method, RequestBuilder, StatusCode, redirect::Policy};
use saas_billing::DevStripe;
use saas_core::Clock;
use serde_json::Value;

/// Somebody who speaks to the stand-in, with a key and without a library.
pub(crate) struct Client {
    pub(crate) stripe: DevStripe,
    http: reqwest::Client,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::at(Clock::system()).await
    }

    pub(crate) async fn at(clock: Clock) -> Self {
        Self::with(DevStripe::start(clock).await.unwrap())
    }

    pub(crate) fn with(stripe: DevStripe) -> Self {
        Self { stripe, http: reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.stripe.url().join(path).unwrap())
    }

    pub(crate) async fn sent(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    pub(crate) async fn asked(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Answer {
        self.sent(filled(self.request(method, path).bearer_auth(DevStripe::KEY), form)).await
    }

    /// What is there, which is there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.sent(self.request(Method::GET, path).bearer_auth(DevStripe::KEY)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.body
    }

    /// What is made or changed, which succeeds.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let answer = self.asked(Method::POST, path, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.body
    }

    /// A refusal: its status, type, code and parameter.
    pub(crate) async fn refused(&self, method: Method, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.asked(method, path, form).await;
        let error = &answer.body["error"];
        assert!(error["message"].is_string(), "{}", answer.text);
        let parts = ["type", "code", "param"].map(|name| error[name].as_str().unwrap_or("-"));
        (answer.status.as_u16(), parts.join(" "))
    }

    /// A customer and a price of 49 dollars a month.
    pub(crate) async fn shop(&self, customer: &[(&str, &str)]) -> (String, String) {
        let product = self.post("/v1/products", &[("name", "Team")]).await;
        let price = [("product", id(&product)), ("currency", "usd"), ("unit_amount", "4900"), ("recurring[interval]", "month")];
        let price = self.post("/v1/prices", &price).await;
        let customer = self.post("/v1/customers", customer).await;
        (id(&customer).to_owned(), id(&price).to_owned())
    }

    /// The page on which that is bought.
    pub(crate) async fn session(&self, customer: &str, price: &str, more: &[(&str, &str)]) -> Value {
        let mut form = vec![
            ("mode", "subscription"),
            ("customer", customer),
            ("line_items[0][price]", price),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://localhost:3000/billing/return?session_id={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "http://localhost:3000/billing"),
        ];
        form.extend(more);
        self.post("/v1/checkout/sessions", &form).await
    }

    /// Somebody pays on a page.
    pub(crate) async fn pays(&self, session: &Value, form: &[(&str, &str)]) -> Answer {
        let path = format!("/c/pay/{}", id(session));
        self.sent(filled(self.request(Method::POST, &path), form)).await
    }

    /// The kinds of all events, the oldest first.
    pub(crate) async fn happened(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=100").await;
        let kinds = events["data"].as_array().unwrap().iter().rev();
        kinds.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// A request with a form.
pub(crate) fn filled(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}
