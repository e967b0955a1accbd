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
