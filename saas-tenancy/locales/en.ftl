# Tenancy: organizations, members and roles.

role-owner = Owner
role-admin = Administrator
role-member = Member
role-viewer = Viewer

tenancy-new-first-title = Name your organization
tenancy-new-first-text = It holds everything that you and your colleagues share. You can have several.
tenancy-new-another-title = New organization
tenancy-new-another-text = It starts empty and shares nothing with your others.
tenancy-new-name = Name
tenancy-new-name-hint = A company, a team, or just your own name.
tenancy-new-do = Create organization
tenancy-new-verified = I have confirmed it

tenancy-error-name-required = Give the organization a name.
tenancy-error-name-long = This name is too long: use at most 100 characters.
tenancy-error-last-owner = An organization needs an owner. Make somebody else an owner first.
tenancy-error-unverified = Confirm your address first: open the link in the mail that we sent you.
tenancy-error-owner-only = Only an owner can change what an owner is, or make one.
tenancy-error-role-unknown = There is no such role.

tenancy-list-text = You work in one organization at a time and see only what belongs to it.
tenancy-list-active = Active
tenancy-list-switch = Switch
tenancy-list-empty-title = You belong to no organization yet
tenancy-list-empty-text = Create one to begin, or ask a colleague to add you to theirs.

tenancy-members-title = Members
tenancy-members-text = Who can see and change what belongs to { $organization }.
tenancy-members-person = Person
tenancy-members-role = Role
tenancy-members-role-of = Role of { $name }
tenancy-members-since = Joined
tenancy-members-you = You
tenancy-members-change = Change
tenancy-members-remove = Remove
tenancy-members-remove-ask = { $name } will no longer see anything of { $organization }. What they did here stays.
tenancy-members-remove-do = Remove member
tenancy-members-leave = Leave
tenancy-members-leave-ask = You will no longer see anything of { $organization }. Only its members can let you in again.
tenancy-members-leave-do = Leave organization
tenancy-members-last-owner = The only owner stays, because an organization needs one.
tenancy-members-last-owner-self = You are the only owner. Make somebody else an owner before you leave.

tenancy-workspaces = Workspaces
tenancy-workspaces-title = Workspaces
tenancy-workspaces-text = The parts of your organization, such as sites or projects. Everybody in the organization sees all of them.
tenancy-workspaces-since = Since
tenancy-workspaces-rename = Rename
tenancy-workspaces-rename-do = Save name
tenancy-workspaces-new = New workspace
tenancy-workspaces-new-hint = Such as “Warehouse” or “Office Berlin”.
tenancy-workspaces-new-do = Create workspace
tenancy-workspace-error-name-required = Give the workspace a name.
tenancy-workspace-error-taken = Another workspace has this name.

tenancy-security-title = Security
tenancy-security-text = What { $organization } asks of its members.
tenancy-second-factor = Second factor
tenancy-second-factor-text = Lets only those in who have shown a code from an authenticator app when they signed in. Everybody else is led to set one up.
tenancy-second-factor-required = Asked for
tenancy-second-factor-on = Ask for it
tenancy-second-factor-ask = Members without a second factor see nothing of the organization until they have set one up.
tenancy-second-factor-on-do = Ask all members for it
tenancy-second-factor-off = Ask for it no more
tenancy-second-factor-own = My second factor
tenancy-security-error-own = Set up a second factor of your own first, or you would lock yourself out.
