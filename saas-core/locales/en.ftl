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
core-time = { core-date }, { $time } UTC

core-skip = Skip to content
core-navigation = Main
core-account = Account
core-signed-in-as = Signed in as
core-sessions = Your sessions
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
core-live-without-script = Reload the page to see changes.
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
core-problem-limit-reached-title = Your plan’s limit is reached
core-problem-limit-reached-text = Remove something that you no longer need, or choose a larger plan.
core-problem-forbidden-title = You may not do this
core-problem-forbidden-text = Your role does not allow it. An owner of the organization can change your role.
core-problem-not-found-title = This page does not exist
core-problem-not-found-text = It may have been removed, or it belongs to an organization other than the active one.
core-problem-method-not-allowed-title = This cannot be done here
core-problem-method-not-allowed-text = Go back and use the buttons on the page.
core-problem-conflict-title = Somebody was faster
core-problem-conflict-text = This has changed in the meantime. Go back, reload the page and try again.
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
