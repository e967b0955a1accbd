use saas_core::{Permission, Standing};

/// A permission that an API key may be given, and how people read of it.
///
/// ```
/// use saas_auth::Scope;
///
/// saas_core::permissions! {
///     /// See devices.
///     pub DeviceRead = "monitoring.device.read";
/// }
///
/// const SCOPES: &[Scope] = &[Scope::of::<DeviceRead>("monitoring-devices", "monitoring-scope-device-read")];
/// assert_eq!(SCOPES[0].permission, "monitoring.device.read");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scope {
    /// The permission's name.
    pub permission: &'static str,
    /// The key of the heading that it stands under; those of one heading follow one another.
    pub group: &'static str,
    /// The key of what it lets a program do, in a few words.
    pub text: &'static str,
}

impl Scope {
    /// The scope of `P`, under a heading.
    #[must_use]
    pub const fn of<P: Permission>(group: &'static str, text: &'static str) -> Self {
        Self { permission: P::NAME, group, text }
    }

    /// Whether somebody may give it to a key.
    #[must_use]
    pub fn is_held(&self, by: &Standing) -> bool {
        by.permissions.contains(&self.permission)
    }
}

/// Those of the offered scopes that are named, each once; none if one is named that is not offered or that `by` does not hold.
pub(super) fn chosen(offered: &[Scope], named: &[String], by: &Standing) -> Option<Vec<&'static str>> {
    let may = |name: &String| offered.iter().any(|scope| scope.permission == name && scope.is_held(by));
    if named.is_empty() || !named.iter().all(may) {
        return None;
    }
    Some(known(offered, named))
}

/// Those of the offered scopes that are named.
pub(super) fn known(offered: &[Scope], named: &[String]) -> Vec<&'static str> {
    offered.iter().map(|scope| scope.permission).filter(|offered| named.iter().any(|name| name == offered)).collect()
}
