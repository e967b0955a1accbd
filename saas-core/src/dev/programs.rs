use std::path::PathBuf;

use url::Url;

/// Where the programs of PostgreSQL come from. The default suits everybody but tests.
///
/// With the feature `download-postgres`, they are fetched where none are found: once for all projects of a user, verified by the checksum
/// that is published with them. Without it, `cache` and `archives` mean nothing.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// The only folders to look in. Without a value these are `PATH` and where systems install PostgreSQL.
    pub folders: Option<Vec<PathBuf>>,
    /// The folder that keeps what was fetched. Without a value it is `saas/postgresql` in the user's cache (`XDG_CACHE_HOME`, else
    /// `~/.cache`), for root in `/var/cache`. The account that the server runs as has to be able to read it.
    pub cache: Option<PathBuf>,
    /// The address of the list of archives. Without a value it is the one in `SAAS_POSTGRES_ARCHIVES`, else the releases of
    /// `theseus-rs/postgresql-binaries` on GitHub. A list of your own has the form of GitHub's: an array of
    /// `{"tag_name", "assets": [{"name", "size", "browser_download_url"}]}`, with `<archive>.sha256` beside each archive.
    ///
    /// # Security
    ///
    /// Whoever answers at this address decides what runs as you: the checksum guards against damage, not against a false server. From an
    /// `https` address nothing is fetched over plain `http`.
    pub archives: Option<Url>,
}
