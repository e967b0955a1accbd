//! Which archive to fetch, told by a list in the form of GitHub's releases.

use std::fmt;

use serde::Deserialize;
use url::Url;

use crate::db::is_old_server;

/// The newest major version that this crate knows. The oldest one and the lowest release of each are those that are not known to let
/// anybody around row-level security.
const NEWEST_MAJOR: u32 = 18;

/// The version of an archive: PostgreSQL's own and the number of the build.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    build: u32,
}

impl Version {
    /// `17.12.0`, as tags and folders have it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Self { major: parts.next()??, minor: parts.next()??, build: parts.next()?? };
        parts.next().is_none().then_some(version)
    }

    /// Whether it is known, new enough, and of the wanted major version if one is wanted.
    pub(super) fn suits(self, wanted: Option<u32>) -> bool {
        let number = self.major.saturating_mul(10_000).saturating_add(self.minor);
        self.major <= NEWEST_MAJOR
            && wanted.is_none_or(|wanted| wanted == self.major)
            && i32::try_from(number).is_ok_and(|number| !is_old_server(number))
    }

    /// What the server will call itself, such as `17.12`.
    pub(super) fn of_postgres(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// Whether there can be archives of a major version that suit.
pub(super) fn is_known(major: u32) -> bool {
    Version { major, minor: 9_999, build: 0 }.suits(None)
}

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    tag_name: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    assets: Vec<Asset>,
}

#[derive(Debug, Deserialize)]
struct Asset {
    name: String,
    size: u64,
    browser_download_url: String,
}

/// What to fetch.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) version: Version,
    /// In bytes, as the list has it.
    pub(super) size: u64,
    pub(super) url: Url,
    pub(super) checksum: Url,
}

/// The newest archive of a page that suits; one without a checksum does not.
pub(super) fn choose(releases: &[Release], wanted: Option<u32>, target: &str, list: &Url) -> Option<Archive> {
    let mut suitable: Vec<(Version, &Release)> = releases
        .iter()
        .filter(|release| !release.draft && !release.prerelease)
        .filter_map(|release| Some((Version::parse(&release.tag_name)?, release)))
        .filter(|(version, _)| version.suits(wanted))
        .collect();
    suitable.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    suitable.into_iter().find_map(|(version, release)| {
        let name = format!("postgresql-{version}-{target}.tar.gz");
        let asset = |name: &str| release.assets.iter().find(|asset| asset.name == name);
        let (archive, checksum) = (asset(&name)?, asset(&format!("{name}.sha256"))?);
        Some(Archive {
            version,
            size: archive.size,
            url: list.join(&archive.browser_download_url).ok()?,
            checksum: list.join(&checksum.browser_download_url).ok()?,
        })
    })
}

/// The checksum in what `sha256sum` and its like write.
pub(super) fn parse_checksum(text: &str) -> Option<String> {
    let word = text.split_whitespace().find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some(word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::Url;

    use super::{Release, Version, choose, is_known, parse_checksum};

    fn release(tag: &str, targets: &[&str]) -> Value {
        let assets: Vec<Value> = targets
            .iter()
            .flat_map(|target| {
                let name = format!("postgresql-{tag}-{target}.tar.gz");
                [name.clone(), format!("{name}.sha256")]
            })
            .map(|name| json!({ "name": name, "size": 7, "browser_download_url": format!("files/{name}") }))
            .collect();
        json!({ "tag_name": tag, "draft": false, "prerelease": false, "assets": assets })
    }

    fn chosen(releases: Value, wanted: Option<u32>) -> Option<String> {
        let releases: Vec<Release> = serde_json::from_value(releases).unwrap();
        let list = Url::parse("https://example.com/releases").unwrap();
        choose(&releases, wanted, "here", &list).map(|archive| archive.url.to_string())
    }

    #[test]
    fn the_newest_archive_for_this_platform_is_chosen_by_number() {
        let list = json!([
            release("17.20.0", &["here"]),
            release("18.7.0", &["here"]),
            release("18.10.1", &["here"]),
            release("18.11.0", &["there"])
        ]);
        assert_eq!(chosen(list.clone(), None).as_deref(), Some("https://example.com/files/postgresql-18.10.1-here.tar.gz"));
        assert_eq!(chosen(list, Some(17)).as_deref(), Some("https://example.com/files/postgresql-17.20.0-here.tar.gz"));
    }

    #[test]
    fn releases_with_known_holes_and_unknown_ones_are_never_chosen() {
        let list =
            json!([release("18.6.0", &["here"]), release("17.11.3", &["here"]), release("99.0.0", &["here"]), release("v9", &["here"])]);
        assert_eq!(chosen(list, None), None);
        let mut draft = release("18.7.0", &["here"]);
        draft["draft"] = true.into();
        assert_eq!(chosen(json!([draft]), None), None);
        assert_eq!([14, 15, 18, 99].map(is_known), [false, true, true, false]);
    }

    #[test]
    fn an_archive_without_a_checksum_is_not_chosen() {
        let mut bare = release("18.8.0", &["here"]);
        bare["assets"].as_array_mut().unwrap().pop();
        let list = json!([bare, release("18.7.0", &["here"])]);
        assert_eq!(chosen(list, None).as_deref(), Some("https://example.com/files/postgresql-18.7.0-here.tar.gz"));
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(Version::parse("17.12.0").map(|version| version.to_string()).as_deref(), Some("17.12.0"));
        for text in ["17.12", "17.12.0.1", "17.x.0", ""] {
            assert_eq!(Version::parse(text), None);
        }
    }

    #[test]
    fn a_checksum_is_read_with_and_without_a_file_name() {
        let sum = "0123456789abcdef".repeat(4);
        assert_eq!(parse_checksum(&format!("{}  postgresql.tar.gz\n", sum.to_uppercase())), Some(sum.clone()));
        assert_eq!(parse_checksum(&sum), Some(sum));
        assert_eq!(parse_checksum("not found"), None);
    }
}
