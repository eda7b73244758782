### What /segment replies, and mistakes in what was typed.

help =
    { "*" }How to use me*
    `/segment` opens the form.
    `/segment product=… gender=… age=25-39 region=… size=5000` opens it filled in. Add `--go` to start at once.
    `/segment products` lists what you can advertise.
    `/segment list` shows your last requests.
    `/segment show 128`, `cancel 128`, `rerun 128` act on request #128.
    Further words: `converted=90d` (or `never`, `ever`) leaves out people who converted before; `without=128,121` leaves out people in earlier segments of yours; `control=10%` keeps a control group; `name="Spring campaign"` names the request.
    In a thread, mention me or use the message shortcut: the result then arrives in that thread.
help-attributes = You can also ask for { $attributes }, such as `{ $example }`.
command-unknown = I don't know “{ $word }”.
command-needs-number = Please add the request's number, such as `/segment { $command } 128`. `/segment list` shows the numbers.
command-no-such-request = There is no request #{ $number } of yours. `/segment list` shows the ones there are.
products-intro = *What you can advertise* (type the first word as `product=…`)
list-intro = *Your last requests*
list-empty = You have not asked for a segment yet. `/segment` opens the form.
database-away = I can't reach my records right now, so I could not do that. Nothing of yours is lost. Please try again in a minute.
database-refuses = My records refuse what I need to do, and waiting does not change that. Nothing of yours is lost. Please tell { $owner }; the service's log says what is wrong.

problem-intro = I could not use all of that, so nothing was started.
problem-outro = `/segment help` shows how it is written; `/segment` alone opens the form.
problem-unknown-key = “{ $word }” is not a word I know. I know { $accepted }.
problem-unknown-value = “{ $value }” is not a { $field } I know. Accepted: { $accepted }.
problem-nearest = Did you mean `{ $word }`?
problem-and-more = { $shown } and { $more } more
problem-missing = Please choose the { $field }.
problem-no-value = “{ $word }” has no value. Write it as { $word }=…
problem-twice = “{ $word }” is given twice.
problem-open-quote = A quotation mark is not closed.
problem-two-readings = `{ $text }` can be read in two ways: `{ $one }` or `{ $other }`. Write the one you mean.
problem-age-order = The age goes from low to high, and { $from } is above { $to }.
problem-age-value = “{ $value }” is not an age I can use. Ages go from { $min } to { $max }, such as 25-39.
problem-size-value = “{ $value }” is not a size I can use. Give { $min } to { $max } people, or a share such as 5%.
problem-control-value = “{ $value }” is not a control group I can use. Give a share of 0% to { $max }%.
problem-segment-value = “{ $value }” is no earlier segment I know. Give the number of one of yours that is finished, such as 128.
problem-name-length = The campaign name has { $chars } characters; at most { $max } fit.

field-name = campaign name
field-product = product
field-gender = gender
field-age = age
field-region = region
field-size = size
field-without = earlier segment to leave out
field-control = control group
field-converted = choice of people to leave out

cancel-now = Request #{ $number } is cancelled.
cancel-stopping = Request #{ $number } is being stopped. This takes a few seconds.
cancel-too-late = Request #{ $number } can no longer be cancelled: it is { $state }.
retry-not-failed = This request is not stopped any more, so there is nothing to try again.
action-not-yours = Only <@{ $user }> and the administrators can do that.
