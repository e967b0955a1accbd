//! Settings from a file and the environment, with all that is wrong with them at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Reads settings one by one, collecting what is wrong, until [`finish`](Self::finish) says it all.
///
/// A setting has a name in the file (`database.max_connections`, TOML) and one in the environment, which wins.
///
/// ```
/// use saas_core::Settings;
///
/// let mut settings = Settings::new(None, [("PORT".to_owned(), "80x".to_owned())])?;
/// let port = settings.or("port", "PORT", 8080_u16);
/// let key: String = settings.required("key", "KEY");
/// let errors = settings.finish().unwrap_err().to_string();
/// assert!(errors.contains("PORT") && errors.contains("KEY"));
/// # Ok::<(), saas_core::SettingsError>(())
/// ```
#[derive(Debug)]
pub struct Settings {
    file: Option<PathBuf>,
    values: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Settings {
    /// Reads the file, if one is named, and takes the given environment.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is no TOML.
    pub fn new(file: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let mut values = BTreeMap::new();
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
            let table: toml::Table =
                toml::from_str(&text).map_err(|source| SettingsError::Parse { path: path.to_owned(), source: Box::new(source) })?;
            flatten("", &table, &mut values);
        }
        Ok(Self {
            file: file.map(Path::to_owned),
            values,
            environment: environment.into_iter().collect(),
            asked: BTreeSet::new(),
            wrong: Vec::new(),
        })
    }

    /// A setting that may be absent. An empty value counts as absent.
    pub fn optional<T>(&mut self, name: &str, variable: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.asked.insert(name.to_owned());
        let (source, text) = match self.environment.get(variable) {
            Some(text) => (variable, text),
            None => (name, self.values.get(name)?),
        };
        if text.is_empty() {
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            // The value itself is not repeated: it may be a secret.
            Err(error) => {
                self.wrong.push(format!("{source}: {error}"));
                None
            }
        }
    }

    /// A setting with a default.
    pub fn or<T>(&mut self, name: &str, variable: &str, default: T) -> T
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.optional(name, variable).unwrap_or(default)
    }

    /// A setting that must be there. If it is not, a default stands in for it until [`finish`](Self::finish) fails.
    pub fn required<T>(&mut self, name: &str, variable: &str) -> T
    where
        T: FromStr + Default,
        T::Err: fmt::Display,
    {
        let before = self.wrong.len();
        self.optional(name, variable).unwrap_or_else(|| {
            if self.wrong.len() == before {
                self.wrong.push(format!("{variable} is not set (nor {name} in the file)"));
            }
            T::default()
        })
    }

    /// A list, separated by commas.
    pub fn list<T>(&mut self, name: &str, variable: &str) -> Vec<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text: String = self.or(name, variable, String::new());
        let parsed = text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::parse);
        let (mut items, mut wrong) = (Vec::new(), Vec::new());
        for item in parsed {
            match item {
                Ok(item) => items.push(item),
                Err(error) => wrong.push(format!("{variable}: {error}")),
            }
        }
        self.wrong.append(&mut wrong);
        items
    }

    /// Says that the settings do not fit together.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.wrong.push(why.into());
    }

    /// Fails with everything that was wrong, and with what the file sets and nobody asked for.
    ///
    /// # Errors
    ///
    /// Fails if anything was wrong.
    pub fn finish(mut self) -> Result<(), SettingsError> {
        for name in self.values.keys().filter(|name| !self.asked.contains(*name)) {
            self.wrong.push(format!("{name}: there is no such setting"));
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(SettingsError::Wrong { file: self.file, wrong: self.wrong }) }
    }
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, into),
            toml::Value::Array(items) => {
                let items: Vec<String> = items.iter().map(text).collect();
                into.insert(name, items.join(","));
            }
            other => {
                into.insert(name, text(other));
            }
        }
    }
}

fn text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings in {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("the settings in {} are no TOML: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where.
        source: Box<toml::de::Error>,
    },
    /// Some settings are missing or wrong.
    #[error("the settings are not complete:{}", list(.wrong))]
    Wrong {
        /// The file, if there is one.
        file: Option<PathBuf>,
        /// What is wrong, one by one.
        wrong: Vec<String>,
    },
}

fn list(wrong: &[String]) -> String {
    wrong.iter().map(|it| format!("\n  - {it}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: &str, environment: &[(&str, &str)]) -> Settings {
        let mut values = BTreeMap::new();
        flatten("", &file.parse().unwrap(), &mut values);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings { file: None, values, environment, asked: BTreeSet::new(), wrong: Vec::new() }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut settings = settings("port = 1\n[database]\nsize = 5", &[("PORT", "2")]);
        assert_eq!(settings.or("port", "PORT", 3), 2);
        assert_eq!(settings.or("database.size", "SIZE", 0), 5);
        settings.finish().unwrap();
    }

    #[test]
    fn all_mistakes_are_reported_together_and_values_are_not_repeated() {
        let mut settings = settings("port = \"hunter2\"\ntypo = 1", &[]);
        settings.or("port", "PORT", 3_u16);
        settings.required::<String>("key", "KEY");
        let message = settings.finish().unwrap_err().to_string();
        for part in ["port: ", "KEY is not set", "typo: there is no such setting"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_list_may_be_an_array_or_text() {
        assert_eq!(settings("nets = [\"a\", \"b\"]", &[]).list::<String>("nets", "NETS"), ["a", "b"]);
        assert_eq!(settings("", &[("NETS", "1, 2")]).list::<u8>("nets", "NETS"), [1, 2]);
    }
}
