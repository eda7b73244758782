### The form, its confirmation, and why a request was not accepted.

form-title = Build a segment
form-submit = Build
form-close = Close
form-name = Campaign name
form-name-placeholder = Spring campaign
form-product = Product
form-product-placeholder = What will you advertise?
form-product-not-ready = { $product } (not ready: { $found } of { $needed } conversions)
form-gender = Gender
form-gender-hint = Tick none for everyone.
form-everyone = Everyone
form-age-from = Age from
form-age-to = Age to
form-age-any = Any age
form-age-years = { $age }
form-areas = Areas
form-areas-hint = Tick none for everywhere.
form-everywhere = Everywhere
form-regions = Only these regions
form-regions-hint = Narrows the ticked areas; regions of other areas are added.
form-attribute-hint = Tick none for everyone, also people of whom it is not known.
form-any = Any
form-regions-other = Other regions
form-size = Size
form-size-placeholder = How many people?
form-size-exact = Exact number
form-size-exact-placeholder = 5,000
form-size-exact-hint = Counts instead of the size above. { $min } to { $max } people, or a share such as 5%.
form-converted = Leave out people who converted
form-converted-usual = As usual for this product
form-without = Leave out people in earlier segments
form-without-placeholder = Segments of yours
form-control = Control group
form-control-usual = As usual for this product
form-control-hint = Picked like the others but kept out of every file, so that the campaign's effect can be measured.
form-opted-out = People who opted out of advertising are always left out.
form-deliver = Deliver to
form-deliver-thread = A thread in this channel
form-deliver-this-thread = This thread
form-deliver-dm = A direct message to me
form-did-not-open = The form did not open in time. Please press the button.
form-try-again = The form did not open. Please press the button again.
button-open-form = Open the form
mention-answer = Whom would you like to reach? I will deliver the result into this thread.

estimate-choose = Choose a product, and I say how many people there are.
estimate-counting = Counting people …
estimate-away = I can't count people right now. You can build the segment all the same.
estimate-audience = { "*" }{ $eligible ->
    [one] { $eligible } person
   *[other] { $eligible } people
} could be picked*: { $matching } meet your conditions − { $opted_out } opted out − { $converted } converted before. { $all ->
    [yes] All of them would be picked.
   *[no] The { $asked } most likely would be picked.
}
estimate-at-most = { $matching } meet your conditions − { $opted_out } opted out. How many converted before is counted for 30, 90 and 180 days only.
estimate-age-unknown = { $people ->
    [one] One person of unknown age meets the other conditions and is left out.
   *[other] { $people } people of unknown age meet the other conditions and are left out.
}
estimate-too-small = A segment has at least { $smallest } people, so this is too few.
estimate-without-region = Without the regions there would be { $people }.
estimate-without-age = Without the age there would be { $people }.
estimate-without-gender = Without the gender there would be { $people }.
estimate-without-attributes = Without the conditions on { $attributes } there would be { $people }.
estimate-without-converted = With people who converted before there would be { $people }.
estimate-learning = { $found } conversions to learn from; { $needed } are needed.
estimate-too-few = Only { $found } conversions to learn from, and { $needed } are needed: please choose a similar product.
estimate-time = Usually built in about { $duration }.
estimate-earlier = People in the earlier segments are taken out when it is built.
estimate-as-of = Data up to { $as_of }.
button-count = Count again

offer-title = It exists already
offer-text = *{ $title }* has the same people, chosen from the same data. You can have its files at once; building it again would only take time.
button-use-same = Use #{ $number }
button-build-anyway = Build it anyway

confirmation-title = Request accepted
confirmation-close = Close
arrives-dm = The result will arrive in a direct message to you.
arrives-channel = The result will arrive in a thread in <#{ $channel }>.
arrives-this-thread = The result will arrive in the thread in <#{ $channel }>.

refusal-product = This product can't be asked for here. Please ask in the channel that its team uses.
refusal-too-few = There { $found ->
        [0] is no conversion
        [one] is only one conversion
       *[other] are only { $found } conversions
    } of this product to learn from, and { $needed } are needed, so nothing was started. A product with a wider range or a longer horizon has more.
refusal-outsider = This app is only for people of the company that installed it.
refusal-not-member = I am not in this channel, so I can't put files here. Invite me with /invite, or choose the direct message.
refusal-shared = People of another company can read this channel, so I don't put people's data here. Please choose the direct message.
refusal-archived = This channel is archived. Please choose the direct message.
refusal-unsure = I could not check in time whether I can put files here. Please submit again, or choose the direct message.
