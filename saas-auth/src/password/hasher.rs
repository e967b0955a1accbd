use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use saas_core::{Problem, ProblemType, Secret};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Semaphore, TryAcquireError};

/// How many may wait for a worker. Whoever comes then is told to come back: a queue that grows helps nobody.
const WAITING: usize = 64;

/// More workers than this use memory without serving anybody sooner.
const MOST_WORKERS: usize = 4;

const OUTPUT_BYTES: usize = 32;

/// Hashes and checks passwords on a few workers, with work areas that are used again.
///
/// # Security
///
/// argon2id at the least that ASVS 5 (11.4.2, through OWASP's cheat sheet) accepts: 19 MiB, two passes. Each hash costs that memory and all
/// of a core for a while, so without a bound a flood of sign-ins would take the machine.
#[derive(Clone)]
pub(crate) struct Hasher {
    inner: Arc<Inner>,
}

struct Inner {
    params: Params,
    /// Whoever waits or works.
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    worker_count: usize,
    areas: Mutex<Vec<Vec<Block>>>,
    /// A well-formed hash that no password has.
    nobody: String,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the password.
    Right {
        /// Whether the hash was made with other parameters than today's.
        outdated: bool,
    },
    /// It is not.
    Wrong,
}

impl Hasher {
    pub(crate) fn new() -> Result<Self, HashError> {
        Self::with_params(Params::new(19 * 1024, 2, 1, Some(OUTPUT_BYTES)).map_err(HashError::Argon)?)
    }

    pub(crate) fn with_params(params: Params) -> Result<Self, HashError> {
        let worker_count = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        let nobody = phc(&params, &rand::random::<[u8; 16]>(), &rand::random::<[u8; OUTPUT_BYTES]>())?;
        Ok(Self {
            inner: Arc::new(Inner {
                params,
                places: Arc::new(Semaphore::new(worker_count + WAITING)),
                workers: Arc::new(Semaphore::new(worker_count)),
                worker_count,
                areas: Mutex::default(),
                nobody,
            }),
        })
    }

    /// Hashes a password with a salt of its own.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, HashError> {
        let (password, inner) = (password.clone(), Arc::clone(&self.inner));
        self.work(move |area| {
            let salt: [u8; 16] = rand::random();
            let hash = derive(&inner.params, Algorithm::Argon2id, Version::V0x13, &password, &salt, OUTPUT_BYTES, area)?;
            phc(&inner.params, &salt, &hash)
        })
        .await
    }

    /// Checks a password. Without a stored hash it does the same work and finds it wrong, so that nobody learns from the time that it takes
    /// whether there is an account.
    pub(crate) async fn verify(&self, password: &Secret, stored: Option<&str>) -> Result<Verdict, HashError> {
        let (password, inner) = (password.clone(), Arc::clone(&self.inner));
        let stored = stored.unwrap_or(&self.inner.nobody).to_owned();
        self.work(move |area| {
            let stored = PasswordHash::new(&stored).map_err(|_| HashError::Stored)?;
            let params = Params::try_from(&stored).map_err(|_| HashError::Stored)?;
            let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| HashError::Stored)?;
            let version = stored.version.unwrap_or(Version::V0x10.into()).try_into().map_err(|_| HashError::Stored)?;
            let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Err(HashError::Stored) };
            let hash = derive(&params, algorithm, version, &password, &salt, expected.len(), area)?;
            if !bool::from(hash.as_slice().ct_eq(expected.as_bytes())) {
                return Ok(Verdict::Wrong);
            }
            let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
            let today = algorithm == Algorithm::Argon2id && version == Version::V0x13 && cost(&params) == cost(&inner.params);
            Ok(Verdict::Right { outdated: !today })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.inner.places).try_acquire_owned().map_err(HashError::Busy)?;
        let worker = Arc::clone(&self.inner.workers).acquire_owned().await.map_err(|_| HashError::Stopped)?;
        let inner = Arc::clone(&self.inner);
        // The permits move into the job: a request that goes away while it runs does not make room for another.
        tokio::task::spawn_blocking(move || {
            let mut area = inner.areas().pop().unwrap_or_default();
            let result = job(&mut area);
            inner.give_back(area);
            drop((worker, place));
            result
        })
        .await
        .map_err(HashError::Interrupted)?
    }
}

impl Inner {
    fn areas(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.areas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the work area for the next; of several, those that nobody is coming for are freed.
    fn give_back(&self, area: Vec<Block>) {
        let others = self.worker_count + WAITING - self.places.available_permits() - 1;
        let mut areas = self.areas();
        if areas.is_empty() || others > 0 {
            areas.push(area);
        } else {
            areas.truncate(1);
        }
    }
}

fn derive(
    params: &Params,
    algorithm: Algorithm,
    version: Version,
    password: &Secret,
    salt: &[u8],
    output_bytes: usize,
    area: &mut Vec<Block>,
) -> Result<Vec<u8>, HashError> {
    let blocks = params.block_count();
    if area.len() < blocks {
        area.resize(blocks, Block::new());
    }
    let mut hash = vec![0; output_bytes];
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password.expose().as_bytes(), salt, &mut hash, area.as_mut_slice())
        .map_err(HashError::Argon)?;
    Ok(hash)
}

/// The hash with all that is needed to check it, as one text (the PHC format).
fn phc(params: &Params, salt: &[u8], hash: &[u8]) -> Result<String, HashError> {
    let text = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|_| HashError::Stored)?,
        salt: Some(Salt::new(salt).map_err(|_| HashError::Stored)?),
        hash: Some(Output::new(hash).map_err(|_| HashError::Stored)?),
    };
    Ok(text.to_string())
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.inner.params).finish_non_exhaustive()
    }
}

/// A password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many passwords are waiting to be checked.
    #[error("too many passwords are waiting to be checked")]
    Busy(#[source] TryAcquireError),
    /// The parameters do not fit.
    #[error("argon2 refused its parameters")]
    Argon(#[source] argon2::Error),
    /// What is stored is no hash that we can check.
    #[error("a password hash is not in the format that it should be")]
    Stored,
    /// The work ended before it was done.
    #[error("the work on a password was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// The workers are gone.
    #[error("there are no workers for passwords")]
    Stopped,
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy(_) => Self::new(&ProblemType::UNAVAILABLE).retry_after(Duration::from_secs(2)).because(error),
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light() -> Hasher {
        Hasher::with_params(Params::new(64, 1, 1, Some(OUTPUT_BYTES)).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash(&Secret::new("quiet river")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.verify(&Secret::new("quiet river"), Some(&hash)).await.unwrap(), Verdict::Right { outdated: false });
        assert_eq!(hasher.verify(&Secret::new("quiet River"), Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(&Secret::new("quiet river"), None).await.unwrap(), Verdict::Wrong);
        assert_ne!(hash, hasher.hash(&Secret::new("quiet river")).await.unwrap(), "each hash has a salt of its own");
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_right_and_outdated() {
        let hash = light().hash(&Secret::new("quiet river")).await.unwrap();
        let verdict = Hasher::new().unwrap().verify(&Secret::new("quiet river"), Some(&hash)).await.unwrap();
        assert_eq!(verdict, Verdict::Right { outdated: true });
    }

    /// From the tests of the reference implementation (phc-winner-argon2).
    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_understood() {
        let stored = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let verdict = light().verify(&Secret::new("password"), Some(stored)).await.unwrap();
        assert_eq!(verdict, Verdict::Right { outdated: true });
    }

    #[tokio::test]
    async fn work_areas_are_used_again_and_given_back_when_it_is_quiet() {
        let hasher = light();
        let jobs: Vec<_> = (0..WAITING)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.hash(&Secret::new("x")).await })
            })
            .collect();
        for job in jobs {
            assert!(job.await.unwrap().is_ok());
        }
        assert_eq!(hasher.hash(&Secret::new("x")).await.map(|_| hasher.inner.areas().len()).ok(), Some(1));
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_sent_away_with_a_time_to_come_back() {
        let hasher = light();
        let taken = hasher.inner.places.acquire_many(u32::try_from(hasher.inner.worker_count + WAITING).unwrap()).await.unwrap();
        let error = hasher.hash(&Secret::new("x")).await.unwrap_err();
        assert!(matches!(error, HashError::Busy(_)));
        let problem = Problem::from(error);
        assert_eq!(problem.status(), 503);
        drop(taken);
        assert!(hasher.hash(&Secret::new("x")).await.is_ok(), "a place that was given back can be taken");
    }
}
