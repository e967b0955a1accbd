//! What every store of rate limits must do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{
    TenantId,
    limit::{Ask, Count, Key, Rate, RateLimitStore, Subject},
};

/// Demands of a store what [`RateLimitStore`] says that it must do. It takes about ten seconds, because windows must pass.
///
/// # Panics
///
/// If the store does something else.
pub async fn rate_limit_store_conforms(store: impl RateLimitStore) {
    let store = Store(Arc::new(store));
    tokio::join!(
        store.allows_the_limit_at_once_and_no_more(),
        store.keeps_keys_and_rules_apart(),
        store.asks_in_order_up_to_the_first_refusal(),
        store.allows_after_the_wait_and_all_after_the_reset(),
        store.does_not_count_what_it_refuses(),
        store.holds_the_limit_in_every_window(),
        store.never_refuses_an_even_pace(),
    );
}

/// So long that nothing comes back while a test runs.
const SLOW: Rate = Rate::per_hour(50);

struct Store(Arc<dyn RateLimitStore>);

fn somebody(rule: &'static str) -> Key {
    Key { rule, subject: Subject::Tenant(TenantId::new()) }
}

/// The longest that somebody may be told to wait, as the trait says.
fn longest(rate: Rate) -> Duration {
    rate.window() + rate.window() / 11
}

impl Store {
    async fn take(&self, asks: &[(Key, Rate)]) -> Vec<Count> {
        let asks: Vec<_> = asks.iter().map(|(key, rate)| Ask { key: *key, rate: *rate }).collect();
        let counts = self.0.take(&asks).await.unwrap_or_else(|error| panic!("{error}: {error:?}"));
        counts.into_iter().map(|count| count.unwrap_or_else(|| panic!("a key found no room"))).collect()
    }

    async fn one(&self, key: Key, rate: Rate) -> Count {
        let counts = self.take(&[(key, rate)]).await;
        assert_eq!(counts.len(), 1, "one place for one rule");
        counts[0]
    }

    async fn use_up(&self, key: Key, rate: Rate) {
        for nth in 0..rate.limit().get() {
            let count = self.one(key, rate).await;
            assert_eq!((count.remaining, count.retry_after), (rate.limit().get() - nth - 1, None), "request {nth}");
        }
    }

    async fn refused(&self, key: Key, rate: Rate) -> Duration {
        let count = self.one(key, rate).await;
        let wait = count.retry_after.unwrap_or_else(|| panic!("allowed, with {} remaining", count.remaining));
        assert_eq!(count.remaining, 0);
        assert!(wait > Duration::ZERO && wait <= longest(rate), "{wait:?}");
        assert!(count.reset >= wait && count.reset <= 2 * longest(rate), "{:?}", count.reset);
        wait
    }

    async fn allows_the_limit_at_once_and_no_more(&self) {
        let key = somebody("burst");
        let counts = join_all((0..80).map(|_| self.one(key, SLOW))).await;
        let mut remaining: Vec<_> = counts.iter().filter(|count| count.retry_after.is_none()).map(|count| count.remaining).collect();
        remaining.sort_unstable();
        assert_eq!(remaining, (0..SLOW.limit().get()).collect::<Vec<_>>(), "however many come at once");
        self.refused(key, SLOW).await;
    }

    async fn keeps_keys_and_rules_apart(&self) {
        let key = somebody("one");
        self.use_up(key, SLOW).await;
        self.use_up(somebody("one"), SLOW).await;
        self.use_up(Key { rule: "two", ..key }, SLOW).await;
    }

    async fn asks_in_order_up_to_the_first_refusal(&self) {
        let (used_up, free) = (somebody("used-up"), somebody("free"));
        self.use_up(used_up, SLOW).await;
        let stopped = self.take(&[(used_up, SLOW), (free, SLOW)]).await;
        assert!(matches!(stopped.as_slice(), [count] if count.retry_after.is_some()), "{stopped:?}");
        let both = self.take(&[(free, SLOW), (used_up, SLOW)]).await;
        assert_eq!(both.len(), 2);
        assert_eq!((both[0].remaining, both[0].retry_after), (SLOW.limit().get() - 1, None), "what stood behind a refusal was not counted");
        assert!(both[1].retry_after.is_some());
        assert!(self.take(&[]).await.is_empty());
    }

    async fn allows_after_the_wait_and_all_after_the_reset(&self) {
        let (key, rate) = (somebody("again"), Rate::new(2, Duration::from_secs(3)));
        self.use_up(key, rate).await;
        sleep(self.refused(key, rate).await).await;
        let count = self.one(key, rate).await;
        assert_eq!(count.retry_after, None, "it waited as long as it was told");
        sleep(count.reset).await;
        self.use_up(key, rate).await;
    }

    async fn does_not_count_what_it_refuses(&self) {
        let (key, rate) = (somebody("stubborn"), Rate::new(2, Duration::from_secs(3)));
        self.use_up(key, rate).await;
        // The answer may take its time, and the wait is counted from when it was decided.
        let (wait, told) = (self.refused(key, rate).await, Instant::now());
        while told.elapsed() < wait.saturating_sub(Duration::from_millis(200)) {
            self.refused(key, rate).await;
            sleep(Duration::from_millis(20)).await;
        }
        sleep(wait.saturating_sub(told.elapsed())).await;
        assert_eq!(self.one(key, rate).await.retry_after, None, "asking in between made it longer");
    }

    async fn holds_the_limit_in_every_window(&self) {
        let (key, rate) = (somebody("flood"), Rate::per_second(5));
        let (began, mut allowed) = (Instant::now(), Vec::new());
        while began.elapsed() < Duration::from_secs(4) {
            let asked = Instant::now();
            if self.one(key, rate).await.retry_after.is_none() {
                // It was counted at some time between the two.
                allowed.push((asked, Instant::now()));
            }
            // Now and then as if nobody asked, so that windows begin anywhere.
            sleep(Duration::from_millis(if allowed.len() % 4 == 3 { 130 } else { 5 })).await;
        }
        assert!(allowed.len() >= 10, "{}: it must not starve whoever asks all the time", allowed.len());
        for six in allowed.windows(6) {
            let apart = six[5].1 - six[0].0;
            assert!(apart >= rate.window(), "six within {apart:?}");
        }
    }

    async fn never_refuses_an_even_pace(&self) {
        let (key, rate) = (somebody("even"), Rate::new(20, Duration::from_secs(2)));
        let mut ticks = interval(rate.window() * 10 / 9 / rate.limit().get());
        // Late is late: what was missed is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for nth in 0..60 {
            ticks.tick().await;
            assert_eq!(self.one(key, rate).await.retry_after, None, "request {nth}");
        }
    }
}
