# Core: the layout, the components, problems and the development pages.

core-date = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
  } { $year }
core-time = { core-date }, { $time }

core-skip = Skip to content
core-navigation = Main
core-account = Account
core-signed-in-as = Signed in as
core-profile = Your profile
core-security = Password and security
core-sessions = Your sessions
core-operators = Operators
core-sign-in = Sign in
core-sign-up = Create account
core-sign-out = Sign out
core-organizations = Your organizations
core-organization-new = New organization
core-organization-switch = Switch organization
core-organization-choose = Choose an organization

core-optional = (optional)
core-actions = Actions
core-copy = Copy
core-copied = Copied
core-live = Live
core-reconnecting = Reconnecting…
core-live-without-script = See what has changed
core-pages = Pages of this list
core-pages-range = { $first }–{ $last } of { $total }
core-pages-previous = Previous
core-pages-next = Next
core-error-title = Error:
core-form-errors = { $count ->
    [one] One field needs your attention.
   *[other] { $count } fields need your attention.
  }

core-problem-bad-request-title = This request cannot be read
core-problem-bad-request-text = Go back and try again. If it was a link that you followed, it may be incomplete.
core-problem-unauthenticated-title = Please sign in
core-problem-unauthenticated-text = This page is for people who are signed in.
core-problem-second-factor-pending-title = One more step
core-problem-second-factor-pending-text = Enter a code from your authenticator app, or one of your backup codes.
core-problem-second-factor-required-title = A second factor is needed here
core-problem-second-factor-required-text = Set up an authenticator app or a passkey under “Password and security”. Then you can go on.
core-problem-step-up-required-title = Show that it is you
core-problem-step-up-required-text = What you are about to do concerns the safety of your account or organization. Enter your password or a code first.
core-problem-limit-reached-title = Your plan’s limit is reached
core-problem-limit-reached-text = Remove something that you no longer need, or choose a larger plan.
core-problem-feature-not-in-plan-title = Your plan does not have this
core-problem-feature-not-in-plan-text = See which plans do. What is there already stays as it is.
core-problem-upgrade = See plans
core-problem-payment-overdue-title = Your subscription is not paid
core-problem-payment-overdue-pay = Pay
core-problem-payment-overdue-ask = Whoever owns the organization can pay.
core-problem-payment-overdue-text = Everything can be changed again as soon as it is paid. Nothing is deleted.
core-problem-forbidden-title = You may not do this
core-problem-forbidden-text = Your role does not allow it. An owner of the organization can change your role.
core-problem-not-found-title = This page does not exist
core-problem-not-found-text = It may have been removed, or it belongs to an organization other than the active one.
core-problem-method-not-allowed-title = This cannot be done here
core-problem-method-not-allowed-text = Go back and use the buttons on the page.
core-problem-conflict-title = Somebody was faster
core-problem-conflict-text = This has changed in the meantime. Go back, reload the page and try again.
core-problem-no-tenant-title = Choose an organization first
core-problem-no-tenant-text = You belong to several organizations or to none, and it was not said which one is meant.
core-problem-other-tenant-title = This page belongs to another organization
core-problem-other-tenant-text = Nothing was changed. You switched organizations after the page was opened, in this tab or another one. Switch back and try again, or go on in the organization that you are in now.
core-problem-request-in-progress-title = This is being done already
core-problem-request-in-progress-text = The same request arrived before and is not finished. Wait a moment and ask again.
core-problem-idempotency-key-reused-title = This key belongs to another request
core-problem-idempotency-key-reused-text = An idempotency key stands for one request. Send a different request with a key of its own.
core-problem-key-in-address-title = A key does not belong in an address
core-problem-key-in-address-text = Addresses are written down on their way, and whoever reads them has the key. Send it in the Authorization header, and replace the one that was in the address.
core-problem-too-large-title = This is too large
core-problem-too-large-text = Send less at once, or a smaller file.
core-problem-invalid-title = Something in the form is not right
core-problem-invalid-text = Go back, check what you entered and send it again.
core-problem-too-many-requests-title = Too many attempts
core-problem-too-many-requests-text = Wait a moment, then try again.
core-problem-cross-site-title = This came from another site
core-problem-cross-site-text = For your safety we refused it. Open the page here and try again.
core-problem-unsupported-media-type-title = This kind of content is not understood here
core-problem-unsupported-media-type-text = Send it in another format.
core-problem-timeout-title = That took too long
core-problem-timeout-text = The request did not arrive in time. Check your connection and try again.
core-problem-internal-title = Something went wrong on our side
core-problem-internal-text = The error has been recorded. Try again in a moment.
core-problem-4xx-title = This did not work
core-problem-4xx-text = Go back and try again.
core-problem-unavailable-title = We will be right back
core-problem-unavailable-text = The service is not available for a moment. Nothing is lost. Try again in a minute.
core-problem-5xx-title = Something went wrong on our side
core-problem-5xx-text = The error has been recorded. Try again in a moment.
core-problem-kinds = Kinds of problems
core-problem-kinds-text = Every request that is refused is answered with one of these.
core-problem-kind = Kind of problem
core-problem-kind-for-programs = For programs
core-problem-kind-text = An answer of this kind is a problem document (RFC 9457) with this type and status.
core-problem-fields = What to correct
core-problem-used = { $used } of { $limit } used
core-problem-request = If you ask for help, name this request:
core-problem-home = Go to the home page
core-problem-sign-in = Sign in
core-problem-retry = Try again

core-development = Development
core-start-provider = Sign-in provider
core-start-provider-text = Lets you sign in as whoever you want, with no account anywhere: use its button on the sign-in page.
core-start-stripe = Stand-in for Stripe
core-start-stripe-text = Stands in for Stripe and takes test cards. On its page you move the clock, so that trials end and payments fall due.
core-start-link = What runs here
core-start-title = { $product } is running
core-start-text = Everything below is on this machine. Create an account, then read its mail here: nothing leaves your computer.
core-start-do = Begin
core-start-home = Product page
core-start-home-text = What visitors see.
core-start-sign-up-text = The first step: an address and a password.
core-start-sign-in-text = If you have an account already.
core-start-mail-text = Mail that this program would have sent, with the link that confirms your address.
core-start-services = What runs where
core-dev-mail-link = Mail
core-dev-mail-title = Mail
core-dev-mail-text = Mail that this program would have sent, newest first.
core-dev-mail-empty-title = No mail yet
core-dev-mail-empty-text = Create an account: the mail that confirms its address will appear here.
core-dev-mail-caption = Mail that was sent
core-dev-mail-subject = Subject
core-dev-mail-to = To
core-dev-mail-at = Sent
core-dev-mail-open = Open the mail here
core-dev-mail-back = All mail

core-mail-why = You get this mail because somebody entered this address at { $product }.
core-mail-why-account = You get this mail because you have an account at { $product }.
core-mail-ignore = If that was not you, you can ignore it.
core-mail-hello = Hello { $name },
core-mail-link = If the button does not work, open this link:
core-mail-expires-minutes = { $minutes ->
    [one] The link works for one minute, and once.
   *[other] The link works for { $minutes } minutes, and once.
  }
core-mail-expires-hours = { $hours ->
    [one] The link works for one hour.
   *[other] The link works for { $hours } hours.
  }
core-mail-expires-days = { $days ->
    [one] The link works for one day.
   *[other] The link works for { $days } days.
  }
core-mail-verification-subject = Confirm your address for { $product }
core-mail-verification-heading = Confirm your address
core-mail-verification-text = Confirm that this address is yours, and your account at { $product } is ready.
core-mail-verification-do = Confirm address
core-mail-reset-subject = Choose a new password for { $product }
core-mail-reset-heading = Choose a new password
core-mail-reset-text = Somebody, probably you, asked for a new password at { $product }. Until you choose one, the old one works.
core-mail-reset-do = Choose a new password
core-mail-reset-not-you = If that was not you, there is nothing to do: your password is unchanged.
core-mail-invitation-subject = { $inviter } invites you to { $organization }
core-mail-invitation-heading = Join { $organization }
core-mail-invitation-text = { $inviter } invites you to work together in { $organization } at { $product }.
core-mail-invitation-do = Accept the invitation
core-mail-invitation-why = You get this mail because { $inviter } entered this address at { $product }.
core-mail-welcome-subject = Welcome to { $product }
core-mail-welcome-heading = Welcome to { $product }
core-mail-welcome-text = Your account is ready. The first step takes a few minutes, and we lead you through it.
core-mail-welcome-do = Begin
core-mail-receipt-subject = Your receipt { $number } from { $product }
core-mail-receipt-heading = Thank you for your payment
core-mail-receipt-text = We received { $amount } from { $organization } on { $day }.
core-mail-receipt-invoice = It pays invoice { $number }, which you find with all others on the page of your plan.
core-mail-receipt-do = Show the invoices
core-mail-payment-failed-subject = Your payment for { $product } did not go through
core-mail-payment-failed-heading = Your payment did not go through
core-mail-payment-failed-text = We could not collect { $amount } for { $organization }.
core-mail-payment-failed-until = Everything works until { $day }. After that everything can be read and exported, and nothing changed, until it is paid. Nothing is deleted.
core-mail-payment-failed-locked = Until it is paid, everything can be read and exported, and nothing changed. Nothing is deleted.
core-mail-payment-failed-suspended = Until it is paid, nothing can be used. Nothing is deleted.
core-mail-payment-failed-unchanged = Nothing has changed for you yet.
core-mail-payment-failed-next = We will try again on { $day }. If your card has expired or your bank refuses, choose another way to pay before that.
core-mail-payment-failed-last = We will not try again. Choose another way to pay, so that you keep your plan.
core-mail-payment-failed-do = Choose how to pay
core-mail-limit-warning-subject = { $what }: { $used } of { $limit } used
core-mail-limit-warning-heading = { $what }: your plan is nearly used up
core-mail-limit-reached-heading = { $what }: your plan is used up
core-mail-limit-warning-text = { $organization } uses { $used } of the { $limit } in its plan.
core-mail-limit-near-text = When all are used, nothing stops working, but no more can be added.
core-mail-limit-reached-text = What you have goes on working, but no more can be added.
core-mail-limit-warning-do = Compare plans
core-mail-security-new-sign-in = New sign-in to your account at { $product }
core-mail-security-password-changed = Your password at { $product } was changed
core-mail-security-email-changed = Your address at { $product } was changed
core-mail-security-email-changed-text = From now on your account at { $product } has the new address: you sign in with it, and our mails go there. This one opens it no more. The change was confirmed in both mailboxes, with a link that came here too.
core-mail-security-email-changed-not-you = If you did not confirm it, somebody else reads this mailbox. Change its password first, then write to whoever runs { $product }: nobody can undo it from here.
core-mail-security-factor-added = A second factor was added to your account at { $product }
core-mail-security-factor-removed = A second factor was removed from your account at { $product }
core-mail-security-backup-codes-renewed = Your account at { $product } has new backup codes
core-mail-security-backup-code-used = A backup code of your account at { $product } was used
core-mail-security-codes-refused = Somebody tries to guess the codes of your account at { $product }
core-mail-security-key-created = A new key was made for your account at { $product }
core-mail-security-token-reused = A program lost its access to your account at { $product }: somebody may have copied its token
core-mail-security-token-reused-text = A token that the program had used up was used again, so somebody may have a copy of it. We ended its access to your account at { $product }. If you still use the program, sign in with it again; if you do not know it, change your password.
core-mail-security-identity-linked = Your account at { $product } can be opened with another account
core-mail-security-identity-unlinked = An account that opened yours at { $product } was unlinked
core-mail-security-passkey-added = A passkey was added to your account at { $product }
core-mail-security-passkey-removed = A passkey was removed from your account at { $product }
core-mail-security-passkey-copied = A passkey of your account at { $product } was copied and no longer works
core-mail-security-sessions-ended = You were signed out of your account at { $product } everywhere
core-mail-security-sessions-ended-text = Whoever runs { $product } ended all your sessions, and the access of programs that acted for you, as a precaution. Your account and your data are as they were: sign in again.
core-mail-security-operator-granted = You are one of those who run { $product }
core-mail-security-operator-granted-text = { $role ->
    [read_only] Your account opens the pages of those who run { $product }, to look at, in each session in which you have shown a second factor.
    [support] Your account opens the pages of those who run { $product }, to help people, in each session in which you have shown a second factor.
   *[other] Your account opens the pages of those who run { $product }, for everything, in each session in which you have shown a second factor.
  }
core-mail-security-operator-revoked = You are no longer one of those who run { $product }
core-mail-security-operator-revoked-text = Your account no longer opens the pages of those who run { $product }. Everything else in it is as it was.
core-mail-security-notice-text = We tell you about everything that concerns the safety of your account at { $product }. If that was you, there is nothing to do.
core-mail-security-notice-at = Time
core-mail-security-notice-program = Program
core-mail-security-notice-device = Device
core-mail-security-notice-address = IP address
core-mail-security-notice-not-you = If that was not you, somebody else has access to your account: end all sessions and change your password now.
core-mail-security-notice-do = Review your account
core-mail-security-notice-reset = Does your password no longer work? Then choose another one here; a link comes to this mailbox:
core-mail-digest-subject = { $count ->
    [one] { $organization }: one new message
   *[other] { $organization }: { $count } new messages
  }
core-mail-digest-heading = What happened in { $organization }
core-mail-digest-more = { $count ->
    [one] And one more.
   *[other] And { $count } more.
  }
core-mail-digest-do = Show all
core-mail-digest-why = You get this mail because you asked for a daily summary at { $product }.
core-mail-digest-preferences = Choose what you are told
core-dev-mail-preview = Every letter, with sample data
core-dev-mail-preview-title = Letters
core-dev-mail-preview-text = Each letter that this program can send, in each language, with the data of its samples.
core-dev-mail-preview-letter = Letter
core-dev-mail-preview-as-text = text
core-dev-mail-formatted = Show it as a mail program would

# Files
core-files = Files
core-files-text = Documents that everybody in the organization can open.
core-files-choose = Add a file
core-files-hint = PDF, Office documents, pictures, text, CSV, JSON and ZIP, up to { $size } MB.
core-files-add = Add
core-files-sending = Sending…
core-files-name = Name
core-files-size = Size
core-files-added = Added
core-files-delete = Delete
core-files-delete-ask = Delete “{ $name }” for everybody?
core-files-delete-do = Delete the file
core-files-empty-title = No files yet
core-files-empty-text = Network plans, invoices, handbooks: what is added here, the whole organization finds.
core-files-broken-off = The file could not be sent. Try again.
core-files-error-size = The file is too large.
core-files-error-kind = Files of this kind are not taken.
core-files-error-none = Choose a file first.

# Audit log
core-audit = Audit log
core-audit-text = Who changed what, from where. Entries cannot be changed; a chain of seals shows if somebody tried.
core-audit-at = Time
core-audit-actor = Who
core-audit-actor-id = Id of who did it
core-audit-actor-user = Person
core-audit-actor-key = API key
core-audit-actor-agent = Agent
core-audit-actor-admin = Support
core-audit-actor-system = System
core-audit-actor-anonymous = Unknown
core-audit-on-behalf = for { $id }
core-audit-action = Action
core-audit-resource-id = Id of what it was done to
core-audit-values = What
core-audit-origin = Address
core-audit-more = Program
core-audit-from = From
core-audit-to = To
core-audit-search = Search
core-audit-clear = Clear the search
core-audit-export-csv = Export CSV
core-audit-export-json = Export JSON
core-audit-unsealed = being sealed
core-audit-number = No. { $number }
core-audit-newest = Newest
core-audit-older = Older
core-audit-empty-title = Nothing has happened yet
core-audit-empty-text = Every change in the organization will be listed here.
core-audit-no-match-title = Nothing found
core-audit-no-match-text = No entry fits this search.
core-audit-error-id = This is no id.
core-audit-error-time = This is no day.
core-audit-undelivered = { $count ->
    [one] One of these entries could not be announced to everybody.
   *[other] { $count } of these entries could not be announced to everybody.
}
core-audit-undelivered-show = See what is missing
core-undelivered = Not announced
core-undelivered-text = All of this happened and is in the audit log, but telling somebody of it failed again and again until it was given up. Once the cause is mended it can be announced again: whoever was told already is not told twice.
core-undelivered-event = What happened
core-undelivered-untold = Not told
core-undelivered-told = Told
core-undelivered-told-nobody = Nobody
core-undelivered-given-up = Given up
core-undelivered-replay = Announce again
core-undelivered-replay-all = Announce all again
core-undelivered-replay-all-ask = All of it, from all pages of this list, will be announced again, also what has been overtaken since.
core-undelivered-empty-title = Everybody was told of everything
core-undelivered-empty-text = What cannot be announced will be listed here.
core-receiver-webhooks = Webhooks
core-receiver-notifications-list = Notifications
core-receiver-notifications-mail = Mail
core-receiver-notifications-chat = Chat channels
core-receiver-notifications-push = Browsers
core-severity-info = Info
core-severity-notice = Notice
core-severity-warning = Warning
core-severity-critical = Critical

# Catalogue of events
core-events = Events
core-events-text = Everything that is announced, for webhooks and programs that listen.
core-events-json = As JSON
core-events-name = Event
core-events-version = Version { $version }
core-events-severity = Severity
core-events-permission = Heard by holders of
core-events-schema = Data
core-events-schema-show = Show the schema
core-events-empty-title = No events
core-events-empty-text = This product announces nothing yet.

# Status page
core-status = Status
core-status-at = As of
core-status-json = As JSON
core-status-all-good = Everything works.
core-status-some = { $count ->
    [one] One service is interrupted. Everything else works.
   *[other] { $count } services are interrupted. Everything else works.
  }
core-status-down = Most of it cannot be used right now. It comes back by itself.
core-status-working = Working
core-status-interrupted = Interrupted
core-status-since = Since
core-status-see = What works
core-api-docs = API documentation
core-status-database = Application and data
core-status-database-interrupted = Most pages cannot be shown. What was saved is still there.
core-status-mail = Mail
core-status-mail-interrupted = Messages wait and are sent once it works again.
core-status-limits = Signing in
core-status-limits-interrupted = Whoever is signed in goes on as usual. Signing in may be refused for a moment.
core-status-live = Live updates
core-status-live-interrupted = Pages show what has changed only when they are opened again.
core-status-files-reading = Opening files
core-status-files-reading-interrupted = Files cannot be opened. They are still there.
core-status-files-writing = Adding files
core-status-files-writing-interrupted = New files are not taken. Try again later.

# Outgoing webhooks
core-webhooks = Webhooks
core-webhooks-text = Other systems that are told what happens here, as it happens.
core-webhooks-catalogue = All events
core-webhooks-empty-title = Nobody is told yet
core-webhooks-empty-text = Add the address of a system of yours, and it gets a signed message for each event.
core-webhook-add = Add an endpoint
core-webhook-change = Change
core-webhook-save = Save
core-webhook-cancel = Cancel
core-webhook-endpoint = Endpoint
core-webhook-url = Address
core-webhook-url-hint = Where the messages are posted to. It begins with https:// and can be reached from everywhere.
core-webhook-description = Name
core-webhook-description-hint = What you call it.
core-webhook-events = Events
core-webhook-events-all = all
core-webhook-events-hint = Tick those that it is told of. With none ticked it is told of all, those that are still to come too.
core-webhook-event = Event
core-webhook-state = State
core-webhook-state-active = Active
core-webhook-state-trouble = Having trouble
core-webhook-state-paused = Paused
core-webhook-state-gone = Gone
core-webhook-state-failing = Disabled
core-webhook-gone-text = It answered that it is gone (410), so nothing more is sent. What it missed meanwhile is not sent later.
core-webhook-failing-text = For five days nothing arrived, so nothing more is sent. What it missed meanwhile is not sent later.
core-webhook-paused-text = Nothing is sent until it is resumed. What happens meanwhile is not sent later.
core-webhook-trouble-text = The last message did not arrive. It is tried again; after five days with nothing but failures the endpoint is disabled.
core-webhook-test = Send a test
core-webhook-pause = Pause
core-webhook-resume = Resume
core-webhook-secret = The secret
core-webhook-secret-label = Messages are signed with
core-webhook-secret-text = Whoever knows it can pretend to be us. Keep it where the receiver reads it, and nowhere else.
core-webhook-reveal = Show the secret
core-webhook-rotate = New secret
core-webhook-rotate-ask = For 24 hours messages are signed with the old secret as well, so that nothing is missed while you change it.
core-webhook-rotate-do = Make a new secret
core-webhook-remove = Remove
core-webhook-remove-ask = Tell “{ $name }” nothing more? What waits for it is dropped, and the log goes with it.
core-webhook-remove-do = Remove the endpoint
core-webhook-deliveries = Messages
core-webhook-deliveries-empty-title = Nothing was sent yet
core-webhook-deliveries-empty-text = The next event, or a test, appears here with what the receiver answered.
core-webhook-delivery-waiting = Waiting
core-webhook-delivery-sending = Sending
core-webhook-delivery-delivered = Delivered
core-webhook-delivery-failed = Failed
core-webhook-next = Next attempt
core-webhook-sent = Sent, without what looks like a secret
core-webhook-sent-hidden = What was sent is shown to those who may hear of the event.
core-webhook-attempts = Attempts
core-webhook-attempts-none = none yet
core-webhook-error-unreachable = not reachable
core-webhook-error-timeout = no answer in time
core-webhook-error-internal = our mistake
core-webhook-replay = Send again
core-webhook-error-url = This address cannot be used. It must begin with https:// and be reachable from everywhere.
core-webhook-error-description = The name may have 200 characters, none of them a control character.
core-webhook-error-events = Choose from the list.
core-webhook-error-events-forbidden = Your role does not let you hear of all these events yourself.
core-webhook-error-too-many = There are as many endpoints as there may be. Remove one that is no longer needed.

# Chat channels
core-chat = Chat channels
core-chat-text = Slack, Mattermost, Rocket.Chat, Discord or a program of yours: places that are told what happens.
core-chat-empty-title = No chat is told yet
core-chat-empty-text = Add the address of an incoming webhook, and what happens appears where your people talk.
core-chat-add = Add a channel
core-chat-change = Change
core-chat-save = Save
core-chat-cancel = Cancel
core-chat-channel = Channel
core-chat-format = How it takes messages
core-chat-format-slack = Like Slack
core-chat-format-slack-hint = Slack, Mattermost, Rocket.Chat; Discord, with /slack behind the address.
core-chat-format-json = JSON
core-chat-format-json-hint = For a program of yours, with an id that tells repetitions.
core-chat-name = Name
core-chat-name-hint = What you call it, such as #on-call.
core-chat-address = Address
core-chat-address-hint = The incoming webhook, beginning with https://. Whoever knows it can write there, so it is kept secret and never shown again.
core-chat-address-keep = It is secret and not shown. Leave this empty to keep it, or enter another.
core-chat-kinds = It is told when
core-chat-kinds-all = anything happens
core-chat-kinds-hint = Tick what it is told of. With none ticked it is told of all, what is still to come too.
core-chat-severity = If it matters at least
core-chat-severity-hint = What matters less is not sent there. Each kind always matters as much: see the list of events.
core-chat-severity-least = at least: { $severity }
core-chat-state = State
core-chat-state-active = Active
core-chat-state-failing = Nothing arrives
core-chat-state-paused = Paused
core-chat-state-refused = Switched off
core-chat-refused-text = The address answered that there is nobody any more, so nothing more is sent. Enter another address, then resume it. What it missed meanwhile is not sent later.
core-chat-failing-text = A message was given up. What happens next is sent all the same; see below what was answered.
core-chat-paused-text = Nothing is sent until it is resumed. What happens meanwhile is not sent later.
core-chat-test = Send a test
core-chat-test-kind = Test
core-chat-test-text = This is a test. Messages arrive here.
core-chat-pause = Pause
core-chat-resume = Resume
core-chat-remove = Remove
core-chat-remove-ask = Tell “{ $name }” nothing more? What waits for it is dropped.
core-chat-remove-do = Remove the channel
core-chat-last = Last message
core-chat-last-none = none yet
core-chat-messages = Messages
core-chat-messages-empty-title = Nothing was sent yet
core-chat-messages-empty-text = What happens next, or a test, appears here.
core-chat-kind = What happened
core-chat-answer = Answer
core-chat-attempts = Attempts
core-chat-next = Next attempt
core-chat-answered = refused with { $status }
core-chat-message-waiting = Waiting
core-chat-message-delivered = Delivered
core-chat-message-failed = Given up
core-chat-message-dropped = Dropped
core-chat-error-unreachable = not reachable
core-chat-error-timeout = no answer in time
core-chat-error-expired = waited for too long
core-chat-error-internal = our mistake
core-chat-error-name = Give it a name of up to 80 characters, none of them a control character.
core-chat-error-address = This address cannot be used. It must begin with https:// and be reachable from everywhere.
core-chat-error-kinds = Choose from the list.
core-chat-error-kinds-forbidden = Your role does not let you hear of all this yourself.
core-chat-error-too-many = There are as many channels as there may be. Remove one that is no longer needed.

# Notifications
core-notifications = Notifications
core-notifications-unread = { $count ->
    [one] unread notification
   *[other] unread notifications
}
core-notification-new = New:
core-notifications-read-all = Mark all as read
core-notifications-empty-title = Nothing yet
core-notifications-empty-text = When something happens that you want to know, it is here.
core-notification-preferences = What you are told
core-notification-preferences-text = For this organization, and only for you.
core-notification-kind = What happens
core-notification-list = In the list
core-notification-listed = Show
core-notification-mail = By mail
core-notification-now = At once
core-notification-daily = Once a day
core-notification-off = Never
core-notification-mandatory = always
core-notification-push = In browsers
core-notification-pushed = Tell
core-push-this = This browser
core-push-text = Be told at once on this device, even when no page of ours is open. In all your organizations, of what is ticked above in each.
core-push-on = You are told here until you sign out.
core-push-off = You are not told here.
core-push-none = This browser cannot be told anything. On a phone, add the page to the home screen first.
core-push-denied = This browser does not let us tell you anything. You can change that in its settings for this site.
core-push-failed = It did not work. The browser could not reach its push service, or we could not be reached. Nothing has changed.
core-push-without-script = This needs a script, which your browser does not run.
core-push-start = Tell me on this device
core-push-stop = Stop
core-push-browsers = Where you are told
core-push-since = Since
core-push-current = this one
core-push-remove = Remove
core-push-unknown = An unknown browser
core-device = { $browser } on { $system }
core-notification-save = Save
core-notification-back = Back to the list
core-notice-chat-failed = The chat channel “{ $name }” no longer gets messages.
core-notice-chat-failed-label = A chat channel gets no messages
core-notice-webhook-disabled = The webhook to { $host } was switched off.
core-notice-webhook-disabled-label = A webhook was switched off
core-unsubscribe = No more of this mail
core-unsubscribe-text = You will not be mailed about this any more. The list inside the product still shows it.
core-unsubscribe-do = Stop this mail
core-unsubscribed = Done. You will not be mailed about this any more.
core-mail-notice-do = See what happened
core-mail-notice-why = You get this mail because you are a member of { $organization }.

core-mail-settings = Mail
core-mail-settings-text = How the mail looks that your organization's people get, and who gets none.
core-mail-brand-name = In the name of
core-mail-brand-name-hint = Stands as the sender's name and at the head of each mail. Empty: the product's name.
core-mail-brand-logo = Picture
core-mail-brand-logo-hint = The https address of a picture to show in place of the name.
core-mail-brand-color = Colour of buttons
core-mail-brand-color-hint = As #3d4fcf. What is written on it is black or white, whichever can be read better.
core-mail-brand-locale = Language
core-mail-brand-locale-none = English, unless somebody chose their own
core-mail-brand-save = Save
core-mail-error-name = Enter one line of up to 100 characters.
core-mail-error-logo = Enter an address that begins with https:// and has up to 500 characters.
core-mail-error-color = Write a colour like #3d4fcf.
core-mail-error-locale = This language is not there.
core-mail-undelivered = Members who get no mail
core-mail-undelivered-text = Mail to these addresses came back, or their owner told their mail provider that it is unwanted.
core-mail-undelivered-none = Mail goes to all of your members.
core-mail-undelivered-member = Member
core-mail-undelivered-reason = Why
core-mail-undelivered-since = Since
core-mail-undelivered-bounce = There is no such mailbox
core-mail-undelivered-complaint = Its owner complained
core-mail-undelivered-lift = Send again
core-language-en = English
core-language-de = German

permission-audit-read = Read the audit log
permission-chat-read = See chat channels
permission-chat-write = Add and remove chat channels
permission-event-replay = Have announced again what could not be
permission-file-read = See files
permission-file-write = Add and delete files
permission-mail-write = Choose how mail looks and have it sent again
permission-webhook-read = See webhooks
permission-webhook-write = Add and remove webhooks
