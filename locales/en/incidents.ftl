### Messages in the operators' channel: failures, one message a cause.

incident-open =
    { "*" }{ $what }*
    { $count ->
        [one] 1 request failed,
       *[other] { $count } requests failed,
    } the last { $last }. First seen { $since }.
    { $look }
incident-resolved =
    { "*" }Resolved: { $what }*
    { $count ->
        [one] 1 request failed,
       *[other] { $count } requests failed,
    } the last { $last }. First seen { $since }.
incident-missed-open =
    { "*" }{ $what }*
    { $count ->
        [one] 1 segment was delivered with a warning,
       *[other] { $count } segments were delivered with a warning,
    } the last { $last }. First seen { $since }.
    { $look }
incident-missed-resolved =
    { "*" }No longer seen: { $what }*
    { $count ->
        [one] 1 segment was delivered with a warning,
       *[other] { $count } segments were delivered with a warning,
    } the last { $last }. First seen { $since }.
incident-examples = Last: { $examples }. The log has the details under these references.
incident-example = #{ $number } `{ $reference }`

incident-too-few = A product has too few conversions to learn from.
incident-no-snapshot = There is no data that is new enough.
incident-data = Data could not be read the way the catalog describes it.
incident-storage = The storage did not answer.
incident-worker = Workers died while they built segments.
incident-too-long = Requests ran past their deadline.
incident-refused = Slack refuses files or messages: `{ $reason }`.
incident-slack-away = Slack could not be reached for as long as I try.
incident-unconfirmed = Slack took files and does not show them.
incident-suppression = The list of people not to contact is lost or damaged, so nothing is built or delivered.
incident-missed = Promises for `{ $product }` miss: what came lay outside the interval more often than chance explains.
incident-internal = Something broke inside me.

look-too-few = Requests for this product fail until there are more conversions, or until `min_conversions` in the catalog is lower.
look-no-snapshot = Look at the nightly batch: has `segment-bot features build` run?
look-data = Run `segment-bot doctor`; it compares the catalog with the tables.
look-storage = Look at the bucket or the folder, and at the network in between; `segment-bot doctor` tries to read it.
look-worker = Look at the memory of the machine and at the workers' log.
look-too-long = Look at the load of the machine and at the workers' log.
look-refused = Look at the app's permissions, at the workspace's rules for files, and at the channel.
look-slack-away = The files are kept. “Try again” on the requests sends them once Slack answers.
look-unconfirmed = The requesters can look into their threads and press “Send again”.
look-suppression = Run `segment-bot suppression upload` again with DATABASE_URL set, or `suppression clear` if there shall be no list; then “Try again”.
look-missed = Look for what changed with the product or its data: a campaign, a price, a table that comes in late. `segment-bot segment create --json` prints the figures.
look-internal = This is a mistake in segment-bot; the log says where.
