use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore, broadcast};

use super::Live;
use crate::{SessionId, TenantId, UserId};

/// The topic that says that something was missed, and nobody knows what: everything is read again.
pub(super) const ANYTHING: &str = "*";

/// How many changes of its tenant a reader may lag behind before it is told to read everything again.
const BUFFER: usize = 256;

/// How many changes of all tenants are remembered for those who come back: some 300 KiB.
const MEMORY: usize = 4_096;

/// How many streams at once ask the database whether their reader still may.
const CHECKS: usize = 4;

/// A change, as a stream tells of it.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// By chance, so that it tells nobody how much happens elsewhere.
    pub(super) id: u64,
    /// The program's own word for a part of its pages.
    pub(super) topic: Arc<str>,
    pub(super) audience: Audience,
}

impl Change {
    fn new(topic: &str, audience: Audience) -> Self {
        Self { id: rand::random::<u64>() | 1, topic: topic.into(), audience }
    }

    /// That something was missed.
    fn anything(id: u64) -> Self {
        Self { id, topic: ANYTHING.into(), audience: Audience::Everybody }
    }
}

/// Who of the tenant hears of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Audience {
    /// Whoever holds this permission.
    Holders(Arc<str>),
    /// This person.
    Person(UserId),
    /// Whoever has a stream.
    Everybody,
}

impl Audience {
    /// As a notice names it: a person by their id, everything else by its permission.
    pub(super) fn of(word: &str) -> Self {
        word.parse().map_or_else(|_| Self::Holders(word.into()), Self::Person)
    }

    pub(super) fn has(&self, user: Option<UserId>, held: &[&'static str]) -> bool {
        match self {
            Self::Holders(permission) => held.iter().any(|it| *it == &**permission),
            Self::Person(person) => user == Some(*person),
            Self::Everybody => true,
        }
    }
}

/// Whose access may have ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    User(UserId),
    Tenant(TenantId),
}

/// Who reads a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) tenant: TenantId,
    pub(super) user: Option<UserId>,
    pub(super) session: SessionId,
}

/// The open streams of a node.
pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) checks: Semaphore,
}

struct State {
    /// The streams by number, the oldest first.
    seats: BTreeMap<u64, Arc<Place>>,
    next: u64,
    rooms: HashMap<TenantId, Room>,
    /// What happened last, the oldest first. There is always one, if only to say from where on nothing was missed.
    recent: VecDeque<(Option<TenantId>, Change)>,
}

struct Room {
    changes: broadcast::Sender<Change>,
    streams: usize,
}

/// How a stream is reached.
struct Place {
    reader: Reader,
    /// Its reader opened too many others.
    replaced: Notify,
    /// Its reader may have lost the right to it.
    doubted: Notify,
}

impl Hub {
    pub(super) fn new() -> Self {
        let recent = VecDeque::from([(None, Change::new(ANYTHING, Audience::Everybody))]);
        let state = State { seats: BTreeMap::new(), next: 0, rooms: HashMap::new(), recent };
        Self { state: Mutex::new(state), checks: Semaphore::new(CHECKS) }
    }

    pub(super) fn streams(&self) -> usize {
        self.state().seats.len()
    }

    /// Tells the tenant's streams; each passes it on if its reader is of the audience.
    pub(super) fn changed(&self, tenant: TenantId, topic: &str, audience: Audience) {
        let mut state = self.state();
        let change = Change::new(topic, audience);
        if state.recent.len() == MEMORY {
            state.recent.pop_front();
        }
        state.recent.push_back((Some(tenant), change.clone()));
        if let Some(room) = state.rooms.get(&tenant) {
            room.tell(change);
        }
    }

    /// Has the streams ask again whose readers may have lost the right to them.
    pub(super) fn doubt(&self, subject: Subject) {
        let state = self.state();
        let meant = |reader: &Reader| match subject {
            Subject::User(user) => reader.user == Some(user),
            Subject::Tenant(tenant) => reader.tenant == tenant,
        };
        state.seats.values().filter(|place| meant(&place.reader)).for_each(|place| place.doubted.notify_one());
    }

    /// Nothing is known of what happened until now: everybody reads everything again, if they still may.
    pub(super) fn lost(&self) {
        let mut state = self.state();
        let change = Change::new(ANYTHING, Audience::Everybody);
        state.recent.clear();
        state.recent.push_back((None, change.clone()));
        state.seats.values().for_each(|place| place.doubted.notify_one());
        state.rooms.values().for_each(|room| room.tell(change.clone()));
    }

    /// A place for a stream, together with what its reader missed since `last`; none if the tenant has too many.
    pub(super) fn enter(self: &Arc<Self>, reader: Reader, last: Option<u64>) -> Option<Seat> {
        let mut state = self.state();
        let state = &mut *state;
        let room = state.rooms.entry(reader.tenant).or_insert_with(|| Room { changes: broadcast::channel(BUFFER).0, streams: 0 });
        if room.streams == Live::PER_TENANT {
            return None;
        }
        room.streams += 1;
        let changes = room.changes.subscribe();
        let mut own = state.seats.values().filter(|place| place.reader.session == reader.session);
        if let (true, Some(oldest)) = (own.clone().count() >= Live::PER_SESSION, own.next()) {
            oldest.replaced.notify_one();
        }
        let number = state.next;
        state.next += 1;
        let place = Arc::new(Place { reader, replaced: Notify::new(), doubted: Notify::new() });
        state.seats.insert(number, Arc::clone(&place));
        let (at, missed) = state.since(reader.tenant, last);
        Some(Seat { hub: Arc::clone(self), number, place, changes, at, missed })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The id of the last change that there was, and what a tenant missed since another.
    fn since(&self, tenant: TenantId, last: Option<u64>) -> (u64, VecDeque<Change>) {
        let at = self.recent.back().map_or(0, |(_, change)| change.id);
        let Some(last) = last else { return (at, VecDeque::new()) };
        let Some(known) = self.recent.iter().position(|(_, change)| change.id == last) else {
            return (at, VecDeque::from([Change::anything(at)]));
        };
        let missed = self.recent.iter().skip(known + 1).filter(|(whose, _)| *whose == Some(tenant));
        (last, missed.map(|(_, change)| change.clone()).collect())
    }
}

impl Room {
    fn tell(&self, change: Change) {
        // A reader that is leaving needs to hear nothing.
        drop(self.changes.send(change));
    }
}

/// A stream's place among the others, until it is dropped.
pub(super) struct Seat {
    hub: Arc<Hub>,
    number: u64,
    place: Arc<Place>,
    changes: broadcast::Receiver<Change>,
    /// The id from which on it hears of everything.
    pub(super) at: u64,
    /// What it has not heard of.
    pub(super) missed: VecDeque<Change>,
}

/// What comes to a stream.
pub(super) enum Heard {
    /// Something changed, and is among what was missed.
    Change,
    /// The reader may have lost the right to it.
    Doubt,
    /// It is over.
    End,
}

impl Seat {
    /// Waits for what comes. May be cancelled.
    pub(super) async fn hear(&mut self) -> Heard {
        tokio::select! {
            biased;
            () = self.place.replaced.notified() => Heard::End,
            () = self.place.doubted.notified() => Heard::Doubt,
            change = self.changes.recv() => match change {
                Ok(change) if self.missed.len() < BUFFER => {
                    self.missed.push_back(change);
                    Heard::Change
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.miss();
                    Heard::Change
                }
                Err(broadcast::error::RecvError::Closed) => Heard::End,
            }
        }
    }

    /// Forgets what was missed: everything is read again instead.
    pub(super) fn miss(&mut self) {
        let id = self.missed.back().map_or(self.at, |change| change.id);
        self.missed = VecDeque::from([Change::anything(id)]);
    }

    /// Whether its reader hears of it.
    pub(super) fn is_for(&self, change: &Change, held: &[&'static str]) -> bool {
        change.audience.has(self.place.reader.user, held)
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        let tenant = self.place.reader.tenant;
        state.seats.remove(&self.number);
        let is_empty = state.rooms.get_mut(&tenant).is_some_and(|room| {
            room.streams -= 1;
            room.streams == 0
        });
        if is_empty {
            state.rooms.remove(&tenant);
        }
    }
}
