use saas_core::Permission;

/// A step, as a product declares it.
///
/// Its texts are called after `text`: that itself is what it is called, with `-text` what it is about, with `-do` what its button says. One that
/// [waits](Self::waits) has `-waiting` besides.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    id: &'static str,
    text: &'static str,
    href: &'static str,
    permission: Option<Needed>,
    is_persons: bool,
    is_skippable: bool,
    waits: bool,
    is_of_team: bool,
    closes: bool,
}

#[derive(Debug, Clone, Copy)]
enum Needed {
    InFull(&'static str),
    AtLeastOwn(&'static str),
}

impl Step {
    /// A step of the organization, by its name for programs, at most 50 characters, the key of its texts, and the path where it is done.
    #[must_use]
    pub const fn new(id: &'static str, text: &'static str, href: &'static str) -> Self {
        assert!(!id.is_empty() && id.len() <= 50, "a step has a name of at most 50 characters");
        Self { id, text, href, permission: None, is_persons: false, is_skippable: false, waits: false, is_of_team: false, closes: false }
    }

    /// It takes this permission; others are not told of it.
    #[must_use]
    pub const fn needs<P: Permission>(mut self) -> Self {
        self.permission = Some(Needed::InFull(P::NAME));
        self
    }

    /// It takes this permission, at least for what one makes oneself, as [`CanOwn`](saas_core::CanOwn) does; others are not told of it.
    #[must_use]
    pub const fn needs_own<P: Permission>(mut self) -> Self {
        self.permission = Some(Needed::AtLeastOwn(P::NAME));
        self
    }

    /// Each person takes it for themselves: what one skips, others do not.
    #[must_use]
    pub const fn of_person(mut self) -> Self {
        self.is_persons = true;
        self
    }

    /// It may be skipped.
    #[must_use]
    pub const fn skippable(mut self) -> Self {
        self.is_skippable = true;
        self
    }

    /// It is done by itself when something comes, which the page waits for.
    #[must_use]
    pub const fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// It is done when the organization has begun to be more than one person: somebody else belongs to it, or is asked to. A product does not say so
    /// itself.
    #[must_use]
    pub const fn begins_team(mut self) -> Self {
        self.is_of_team = true;
        self
    }

    /// The last: done when its person says so, once all others are done, skipped or only waited for. They are led to its path then, and pointed to
    /// the steps no more.
    #[must_use]
    pub const fn closes(mut self) -> Self {
        self.closes = true;
        self.is_persons = true;
        self
    }

    pub(super) const fn id(&self) -> &'static str {
        self.id
    }

    pub(super) const fn text(&self) -> &'static str {
        self.text
    }

    pub(super) const fn href(&self) -> &'static str {
        self.href
    }

    pub(super) const fn is_persons(&self) -> bool {
        self.is_persons
    }

    pub(super) const fn is_skippable(&self) -> bool {
        self.is_skippable
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waits
    }

    pub(super) const fn is_of_team(&self) -> bool {
        self.is_of_team
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closes
    }

    /// Whether it is for somebody who may do this in full, and that with what is their own.
    pub(super) fn is_for(&self, held: &[&'static str], own: &[&'static str]) -> bool {
        match self.permission {
            None => true,
            Some(Needed::InFull(permission)) => held.contains(&permission),
            Some(Needed::AtLeastOwn(permission)) => held.contains(&permission) || own.contains(&permission),
        }
    }
}
