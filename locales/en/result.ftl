### The result: how many, how good, who they are.

result-ready = <@{ $user }> { $title } is ready: { $people } people.
waterfall-title = { "*" }How it came to { $people } people*
waterfall-people = { $people } people in the data
waterfall-matching = { $people } meet your conditions
waterfall-opted-out = − { $people } opted out
waterfall-suppressed = − { $people } on the company's list of people not to contact
waterfall-converted = − { $people } converted before
waterfall-in-earlier = − { $people } in the earlier segments you left out
waterfall-eligible = = { $people } could be picked
waterfall-picked = { $people } picked, the most likely first
waterfall-control = − { $people } control group: kept out of every file, to measure the effect
waterfall-delivered = { "*" }{ $people } delivered*, the most likely first
waterfall-delivered-rest = { "*" }{ $people } delivered*
result-link = `{ $file }` ({ $size } MB) is too large for Slack: <{ $url }|download it here>. The link works for { $days ->
        [one] one day
       *[other] { $days } days
    }; whoever has it has the file.
result-folder = `{ $file }` ({ $size } MB) is too large for Slack. Ask { $owner } for it; it lies at `{ $place }`.
result-quality = *{ $grade }* — AUC { $auc } ({ $low }–{ $high }) among people who met your conditions and whom the model had not learned from.
result-auc = AUC { $auc } ({ $low }–{ $high }) among people who met your conditions and whom the model had not learned from.
result-expected = Expect { $expected } conversions; in nine of ten cases { $low } to { $high }. Among as many people picked at random: { $random } ({ $lift }×).
result-expected-everyone = Everyone who could be picked is in, so the ranking made no difference; expect { $expected } conversions, in nine of ten cases { $low } to { $high }.
result-replay = Had you asked on { $day } with the same words, { $came } of the { $picked } people would have converted; at random { $random }.
result-replay-lift = Had you asked on { $day } with the same words, { $came } of the { $picked } people would have converted; at random { $random }. With 95 % certainty the order found { $low } to { $high } times as many as chance; the grade follows from that.
result-missed = :warning: Take this number with care: { $missed } of the last { $of } promises for this product lay outside their interval, more than chance explains.
result-without-events = Not learned from: { $people ->
        [one] one person
       *[other] { $people } people
    } without any event before the period that was learned from, who may have joined later. People without any event come last.
grade-chance = No better than a random pick
grade-weak = Weak
grade-useful = Useful
grade-strong = Strong
result-rules = *Who they are, roughly* (these rules agree with the segment for { $fidelity } of people; half would be chance)
rule = • { $parts }: { $share } of the segment
rule-and = and
rule-at-most = { $feature } at most { $value }
rule-above = { $feature } above { $value }
result-factors = *What made the difference*
factor = • { $feature }: { $direction } ({ $share })
direction-higher = higher than others
direction-lower = lower than others
direction-mixed = both high and low
breakdown-age = Age
breakdown-gender = Gender
breakdown-region = Region
breakdown-row = { $label }: { $count } ({ $share }; of all who could be picked { $everyone })
breakdown-more = … and { $more } smaller groups
model-reused = an existing model was used
model-trained = a model was trained for it
result-guarded = In the files an apostrophe (') stands before { $people ->
        [one] one id
       *[other] { $people } ids
    }, because a spreadsheet would run such ids as formulas. Remove it where ids are matched. The file can be uploaded as it is as the list of people not to contact.
# Follows a number of conversions.
result-positives-meeting = {" "}({ $people } in one period among people who met your conditions)
result-provenance = Data up to { $as_of }; learned from { $positives } conversions{ $meeting }; { $model }. Built in { $duration }. Reference { $reference }. Groups of few people are hidden.
