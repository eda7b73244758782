# The result, as the last reply in the thread.
result-ready = <@{ $user }> { $title } is ready: { $people } people.
result-waterfall =
    *Who is in it*
    { $people } people in all → { $matching } match → { $opted_out } opted out → { $converted } converted before → { $eligible } eligible → *{ $delivered } delivered*
result-quality = *How good it is:* { $grade } — AUC { $auc } ({ $low }–{ $high }) on people the model never saw.
result-expected = Among the same number of people picked at random you would expect { $random } conversions, here { $expected } ± { $margin } ({ $lift }×).
result-expected-everyone = Everyone eligible is in it, so there was nothing to choose; { $expected } ± { $margin } conversions are expected.
result-later = Tested one period later, the ranking keeps an AUC of { $auc }.
grade-weak = weak
grade-fair = fair
grade-good = good
grade-very-good = very good
result-rules = *In words* (a summary that agrees with the segment in { $fidelity } of cases)
rule = • { $parts } — { $share } of the segment
rule-and = and
rule-at-most = { $feature } at most { $value }
rule-above = { $feature } above { $value }
result-factors = *Strongest factors*
factor = • { $feature }: { $direction } ({ $share } of the model's gain)
direction-higher = higher in the segment
direction-lower = lower in the segment
direction-mixed = works in both directions
breakdown-age = Age
breakdown-gender = Gender
breakdown-region = Region
breakdown-row = { $label }: { $count } ({ $share }; { $everyone } of those eligible)
breakdown-more = … and { $more } more
model-reused = an existing model
model-trained = a model trained for this request
result-provenance = Data up to { $as_of } · { $positives } conversions learned from, { $model } · took { $duration } · reference { $reference }
