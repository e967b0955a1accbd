# Billing: plans, prices, invoices.

billing-money = { $symbol }{ $whole }
billing-money-parts = { $symbol }{ $whole }.{ $fraction }
billing-per-month = a month
billing-per-year = a year
billing-or-yearly = or { $price } a year
billing-trial = { $days ->
    [one] Free for the first day
   *[other] Free for the first { $days } days
  }
billing-price-none = Free
billing-price-quoted = On request
billing-unlimited = Unlimited
billing-included = Included
billing-not-included = Not included
billing-count-per-hour = { $count } an hour
billing-count-per-day = { $count } a day
billing-count-per-month = { $count } a month

billing-pricing-title = Pricing
billing-pricing-text = Begin for nothing. Change or cancel whenever you like.
billing-pricing-currency = Currency
billing-begin = Begin
billing-compare = Compare the plans
billing-compare-what = What is in it

permission-billing-subscription-read = See the plan, what is used of it, and invoices
permission-billing-subscription-write = Buy plans, and end what is bought

billing-title = Plan and invoices
billing-nothing-paid = Nothing is paid for.
billing-state-trialing = Trial
billing-state-active = Paid
billing-state-past_due = Payment failed
billing-state-unpaid = Not paid
billing-state-paused = Paused
billing-renews-month = Paid each month, next on { $at }.
billing-renews-year = Paid each year, next on { $at }.
billing-trial-ends = Free until { $at }, then paid.
billing-ends = { $plan } ends on { $at }. Until then all is as it was.
billing-cancel = Cancel
billing-cancel-text = It stays until { $at }, and nothing is charged after that.
billing-resume = Keep it
billing-pay = Pay the open invoice
billing-card = Change the card
billing-portal = Card and invoices

billing-notice-paid = { $plan } is active.
billing-notice-waiting = The payment has not arrived yet. As soon as it has, your plan is active.
billing-notice-left = Nothing was bought, and nothing is charged.
billing-notice-grace = The last payment failed. Everything works until { $until }: pay until then.
billing-notice-locked = The subscription is not paid. Everything can be read and exported, and changed again once it is paid.
billing-notice-suspended = The subscription is not paid. Nothing can be used until it is.

billing-told-not-resumed = The subscription ended while the organization was to be deleted, and did not come back with it. Choose a plan to go on.
billing-told-not-resumed-label = A subscription did not come back with the organization

billing-banner-grace = The last payment failed. Everything works until { $until }; after that nothing can be changed until it is paid.
billing-banner-grace-ask = The last payment failed. Everything works until { $until }; after that nothing can be changed until it is paid. Ask { $who }.
billing-banner-locked = The subscription is not paid. Everything can be read and exported, and changed again as soon as it is paid.
billing-banner-locked-ask = The subscription is not paid. Everything can be read and exported, and changed again as soon as it is paid. Ask { $who }.
billing-banner-pay = Pay or change the card

billing-told-failed = A payment failed (attempt { $attempt }). Pay the open invoice or change the card.
billing-told-failed-label = A payment failed
billing-told-recovered = The open invoice is paid. Everything can be used as before.
billing-told-recovered-label = An open invoice was paid

billing-usage = What is used
billing-used = { $used } of { $limit }
billing-used-unlimited = { $used }, without a limit
billing-resets = begins anew at { $at }
billing-choose-title = Choose a plan
billing-choose = Choose

billing-invoices = Invoices
billing-invoices-none = There are no invoices yet.
billing-invoice-number = Number
billing-invoice-no-number = Without a number
billing-invoice-date = Date
billing-invoice-amount = Amount
billing-invoice-state = State
billing-invoice-open = Open
billing-invoice-paid = Paid
billing-invoice-uncollectible = Given up
billing-invoice-void = Void
billing-invoice-see = See

billing-leave-title = On to our payment provider
billing-leave-text = Cards are entered there. We never see them.
billing-leave-do = Go on
billing-return-title = Back from our payment provider
billing-return-text = We look up how things stand there.
billing-return-do = See my plan

billing-notice-unpaid = The other plan could not be charged. If the open invoice is paid within 23 hours, it is active. After that, choose it again; until then all is as it was.
billing-held = Your plan
billing-switch = Change to it
billing-switch-title = Change the plan

billing-change-title = Change to { $plan }
billing-change-charge = { $plan } until { $at }
billing-change-credit = Not used of { $plan }
billing-change-due = Charged now
billing-change-left = Credited to what is paid next
billing-change-then-month = From { $at } on it is { $price } each month.
billing-change-then-year = From { $at } on it is { $price } each year.
billing-change-do = Change now
billing-change-pay = Change now and pay { $amount }
billing-change-not = Keep the plan as it is
billing-change-again = Something has changed since. This is what it costs now.
billing-change-exceeded = { $label }: you use { $used }, and { $plan } has { $limit }. All of it stays, and nothing can be added until there is less.

billing-usage-title = Usage
billing-usage-text = What was used, when and by whom. Hours, days and months are those of UTC; what is counted now is seen some seconds later.
billing-usage-more = When and by whom it was used
billing-usage-meter = What
billing-usage-per = By the
billing-usage-per-hour = Hour
billing-usage-per-day = Day
billing-usage-per-month = Month
billing-usage-from = From
billing-usage-to = To
billing-usage-by = By whom
billing-usage-by-all = Everybody
billing-usage-by-user = People
billing-usage-by-key = API keys
billing-usage-by-agent = Agents
billing-usage-by-tool = Tools
billing-usage-by-system = The product itself
billing-usage-show = Show
billing-usage-total = { $total } in all
billing-usage-none-title = Nothing was used
billing-usage-none-text = Nothing was recorded in these days. Choose others, or somebody else.
billing-usage-as-table = The same as a table
billing-usage-period = Period (UTC)
billing-usage-quantity = Quantity
billing-usage-top = Who used the most
billing-usage-who = Who
billing-usage-kind = What they are
billing-usage-kind-user = Person
billing-usage-kind-key = API key
billing-usage-kind-agent = Agent
billing-usage-kind-tool = Tool
billing-usage-kind-system = The product
billing-usage-system = The product itself
billing-usage-gone = No longer here
billing-usage-csv = As CSV
billing-usage-json = As JSON
billing-usage-error-time = This is no day.
billing-usage-error-backwards = This is before the beginning.
billing-usage-error-far = This is not between the years 1970 and 9000.
billing-usage-error-long = That is more than 744 hours, days or months. Choose a shorter time.
billing-usage-error-meter = Of this nothing is recorded.

billing-status-payments = Buying and changing plans
billing-status-payments-interrupted = Plans cannot be bought or changed for the moment. What you have goes on as it is, and what was paid arrives later.
