### The root message of a thread: how far it is, and why it failed.

stage-starting = Starting.
stage-assembling = Step 1 of 4: collecting what people did.
stage-training = Step 2 of 4: learning from earlier conversions.
stage-scoring = Step 3 of 4: scoring people.
stage-scoring-of = Step 3 of 4: scoring people, { $done } of { $of }.
stage-writing = Step 4 of 4: writing the files.
stage-delivering = The segment is ready; delivering the files.
status-done = Done in { $duration }. The files are in this thread.
status-cancelled = Cancelled. Nothing is delivered.
button-cancel = Cancel
button-retry = Try again
button-anyway = Deliver anyway
button-resend = Send again
button-rerun = Change and run again
cancel-title = Cancel this request?
cancel-text = Work done so far is dropped, and nothing is delivered.
cancel-confirm = Cancel the request
cancel-deny = Keep going
files-comment = Files of { $title }
root-again = Should an earlier message about this request stand here too, only this one is kept up to date.
files-left-out = { $count -> 
    [one] One person was left out who opted out since the segment was built.
   *[other] { $count } people were left out who opted out since the segment was built.
}
notify-failed = <@{ $user }> { $title } came to nothing. The first message of this request says why and what you can do.

failure-empty = Nobody is left to pick from. { $matching } people match your conditions; of these { $opted_out } opted out and { $converted } converted before.
failure-empty-listed = Nobody is left to pick from. { $matching } people match your conditions; of these { $opted_out } opted out, { $converted } converted before, and { $listed } are in earlier segments or on the company's list of people not to contact.
failure-earlier-gone = The earlier segment { $segment }, whose people should be left out, is not stored any more.
failure-too-small = Only { $people } people are left. A segment has at least { $smallest } people, so that nobody can be singled out.
failure-chance-replayed = Nothing shows that the best people for this request can be told from the rest. Had you asked on { $day } with the same words, { $came } of the { $picked } people picked would have converted; of as many picked at random, { $random }.
failure-chance = Nothing shows that the best people for this request can be told from the rest: on people whom the model had not learned from, its order was no better than chance.
failure-too-few = There are { $found } conversions of this product to learn from; at least { $needed } are needed.
failure-old-snapshot = Today's data has not arrived. The newest is of { $newest }, which is too old to use.
failure-no-snapshot = The data is not prepared yet.
failure-data = The data could not be read the way it is described to me.
failure-catalog = The product or a region of this request no longer exists.
failure-storage = The place where the data lies did not answer.
failure-worker = The program that did the work stopped several times.
failure-too-long = This took far longer than it should, so I stopped it.
failure-slack-away = The segment is ready, but Slack did not take the files. They are kept.
failure-unconfirmed = Slack took the files but does not show them in the thread.
failure-suppression = The company’s list of people not to contact is not where it should be, so nothing is built or delivered for now.
failure-internal = Something broke on my side. I am sorry.
refused-not-in-channel = The segment is ready, but I am not in the channel where it should go.
refused-archived = The segment is ready, but the channel where it should go is archived.
refused-uploads-disabled = The segment is ready, but this workspace does not let apps share such files.
refused-too-large = The segment is ready, but its files are too large for this workspace.
refused-storage-full = The segment is ready, but this workspace’s storage for files is full. Somebody has to delete files in Slack first.
refused-shared = The segment is ready, but files may not be shared into this channel.
refused-outsider = The segment is not delivered: it was asked for from another company’s workspace.
refused-product = The segment is ready, but its product may not be delivered into this channel any more.
refused-restricted = The segment is ready, but I may not write in the channel where it should go.
refused-scope = The segment is ready, but I lack a permission in this workspace.
refused-other = The segment is ready, but Slack did not let me share the files ({ $reason }).
todo-relax = *What you can do:* press “Change and run again” and allow more ages, regions or genders, or leave out fewer people.
todo-chance = *What you can do:* have it delivered all the same, widen the conditions, or choose a similar product with more conversions.
todo-other-product = *What you can do:* choose a similar product with more conversions, or wait until there are more.
todo-change = *What you can do:* press “Change and run again” and choose anew.
todo-refused = *What you can do:* once that is settled, press “Send again”. Or press “Change and run again” and have it delivered by direct message.
todo-unconfirmed = *What you can do:* look whether the files are in the thread. If not, press “Send again”.
todo-operator = *What you can do:* nothing; the data team has to look at it.
todo-retry = *What you can do:* press “Try again” in a few minutes.
failure-ask = Questions? Ask { $owner }. Reference: { $reference }
failure-ask-owner = If it stays so, ask { $owner } and give the reference { $reference }.
