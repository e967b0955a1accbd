//! A stand-in for Stripe, for development and tests: a real HTTP server on this machine that speaks as much of Stripe's API as we use, with the same
//! shapes, errors, idempotency keys, pages of lists, test cards, test clocks, signed events and retries. It keeps everything in memory, and in a
//! file if it is to know its customers the next time; it moves no money, and is not in a program that is built without the feature `dev-stripe`.
//!
//! ```
//! use saas_billing::DevStripe;
//! use saas_core::Clock;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let stripe = DevStripe::start(Clock::system()).await?;
//! // What a client takes in the place of api.stripe.com and of a key, and what our inbox checks signatures with.
//! let (api, key) = (stripe.url(), DevStripe::KEY);
//! let secret = stripe.hook("http://localhost:3000/api/billing/webhook");
//! # Ok(())
//! # }
//! ```
//!
//! What is like Stripe, and what is not:
//! * Unknown routes and parameters are refused, so what is not here does not look as if it were. Here are products, prices, customers, checkout
//!   sessions for subscriptions, the customer portal, subscriptions of one item, proration, invoices and their pages, events, webhook endpoints
//!   and test clocks.
//! * The clock that it is given can be moved, on a page of its own ([`clock_page`](DevStripe::clock_page)), if it is a [movable](Clock::movable) one.
//! * Taxes, discounts, meters, refunds and disputes are not.

mod answer;
mod books;
mod card;
mod catalogue;
mod checkout;
mod clock;
mod customer;
mod deliver;
mod form;
mod hooks;
mod invoice;
mod list;
mod memory;
mod page;
mod params;
mod portal;
mod proration;
mod server;
mod shape;
mod subscription;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::serve;
use saas_core::{Clock, Secret};
use serde_json::json;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use url::Url;

use books::Books;
use memory::Memory;

/// A stand-in that runs for as long as one of its clones is there.
#[derive(Clone)]
pub struct DevStripe(Arc<Running>);

struct Running {
    shared: Shared,
    tasks: [JoinHandle<()>; 2],
}

/// What the server, the page and the postman share.
#[derive(Clone)]
struct Shared {
    books: Arc<Mutex<Books>>,
    /// There is something to deliver.
    news: Arc<Notify>,
    url: Arc<Url>,
    memory: Option<Arc<Memory>>,
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, after whatever was due until now.
    fn now(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books();
        clock::catch_up(&mut books);
        books
    }

    /// Something may have changed: whoever brings events looks, and it is written down.
    async fn changed(&self) {
        self.news.notify_one();
        if let Some(memory) = &self.memory {
            memory.write(&self.books).await;
        }
    }
}

impl DevStripe {
    /// A key that it takes, as any that begins with `sk_test_`.
    pub const KEY: &'static str = "sk_test_of_the_stand_in";

    /// Starts one at a port of this machine that is free.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        Self::listen(clock, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts one at a port of this machine that is free, which knows what it knew when it last had this file: customers and all that they bought. Who
    /// hears of it is said anew each time.
    ///
    /// # Errors
    ///
    /// Fails if there is no port, or the file cannot be read; one that it did not write is put aside.
    pub async fn open(clock: Clock, file: &Path) -> io::Result<Self> {
        let mut books = Books::new(clock);
        let (memory, port) = Memory::open(file, &mut books)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Somebody else may be there by now.
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            Err(error) => return Err(error),
        };
        Self::serve(books, Some(Arc::new(memory)), listener)
    }

    /// Starts one at this address, which is this machine's own: it takes any key, so nobody else may reach it.
    ///
    /// # Errors
    ///
    /// Fails if the address is another machine's or taken.
    pub async fn listen(clock: Clock, address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the stand-in for Stripe listens to this machine alone"));
        }
        Self::serve(Books::new(clock), None, TcpListener::bind(address).await?)
    }

    fn serve(mut books: Books, memory: Option<Arc<Memory>>, listener: TcpListener) -> io::Result<Self> {
        let url = Url::parse(&format!("http://{}", listener.local_addr()?)).map_err(io::Error::other)?;
        books.moved_to(url.as_str().trim_end_matches('/'));
        let shared = Shared { books: Arc::new(Mutex::new(books)), news: Arc::default(), url: Arc::new(url), memory };
        let router = server::router(shared.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = serve(listener, router).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the stand-in for Stripe has stopped");
            }
        });
        let postman = tokio::spawn(deliver::run(shared.clone()));
        Ok(Self(Arc::new(Running { shared, tasks: [server, postman] })))
    }

    /// Where it is: what a client takes for `https://api.stripe.com/`.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0.shared.url
    }

    /// Where the clock is moved, and with it the one that this was started with.
    #[must_use]
    pub fn clock_page(&self) -> Url {
        let mut page = self.url().clone();
        page.set_path("/clock");
        page
    }

    /// After how many days each further attempt at a payment is made, as whoever sells sets it at Stripe: see
    /// [`Dunning::retry_days`](crate::Dunning::retry_days).
    pub fn retry_after(&self, days: &[u32]) {
        self.0.shared.books().retry_days = days.to_vec();
    }

    /// Has all events sent to an address, and says the secret that they are signed with.
    #[must_use]
    pub fn hook(&self, address: &str) -> Secret {
        let mut params = params::Params::default();
        params.0.insert("url".to_owned(), address.into());
        params.0.insert("enabled_events".to_owned(), json!(["*"]));
        let made = hooks::endpoints(&mut self.0.shared.books(), &http::Method::POST, &[], &params);
        Secret::new(made.unwrap_or_else(|_| json!({}))["secret"].as_str().unwrap_or_default())
    }
}

impl DevStripe {
    /// The next write that comes with a key fails, and the failure is kept under the key, as Stripe keeps it.
    pub fn fail_next(&self) {
        self.0.shared.books().fails_next = true;
    }

    /// An object is another one than it should be, such as one in a state that does not exist yet.
    pub fn corrupt(&self, id: &str, field: &str, value: &str) {
        if let Some(object) = self.0.shared.books().any_mut(id) {
            object[field] = value.into();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for DevStripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevStripe").field("url", &self.url().as_str()).finish_non_exhaustive()
    }
}
