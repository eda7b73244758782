# Replies to the slash command.
help =
    *Ask for an audience and find the CSV of the people most likely to convert in the same thread.*
    • `/segment` opens the form
    • `/segment product=skincare gender=f age=25-39 region=tokyo,osaka size=5000` opens it filled in; add `--go` to start at once
    • `/segment products` lists what you can ask for
    • `/segment list` shows your last requests
    • `/segment show 128` shows one, `/segment cancel 128` stops it, `/segment rerun 128` opens the form as it was
    Slash commands do not run inside threads; there, use the message shortcut “Build a segment here”, or mention me.
products-intro = *Products you can ask for:*
list-intro = *Your last requests:*
list-empty = You have not asked for a segment yet. Type `/segment` to begin.
command-unknown = I don't know `{ $word }`.
command-needs-number = Which request? Write its number, such as `/segment { $command } 128`.
command-no-such-request = There is no request #{ $number } of yours.
cancel-now = Request #{ $number } is cancelled.
cancel-stopping = Request #{ $number } is being stopped.
cancel-too-late = Request #{ $number } can't be cancelled any more: { $state }.
action-not-yours = Only <@{ $user }> or an administrator can do that.
retry-not-failed = There is nothing to retry: the request has not failed, or runs again already.
database-away = I can't reach my database at the moment, so nothing was started or changed. Please try again in a minute.
form-did-not-open = Slack was too slow to open the form. Please use the button.
form-try-again = The form did not open. Please press the button again.
mention-answer = Happy to help. The result will come to this thread.
