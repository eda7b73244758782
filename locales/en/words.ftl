### Conditions, sizes, states and times in words.

title-named = #{ $number } { $name } ({ $product })
title-unnamed = #{ $number } { $product }
size-people = { $people ->
    [one] { $people } person
   *[other] { $people } people
}
size-percent = top { $percent }%
sentence-wanted = The { $size } most likely to respond to { $product }, among { $people }.
people = { $gender }{ $age }{ $region }{ $attributes }
people-everyone = everyone
people-age = { " " }aged { $from }–{ $to }
people-region = { " " }in { $regions }
people-attribute = , { $name }: { $choices }
regions-and-more = { $shown } and { $more } more
left-out-opted-out = Left out: everyone who opted out.
left-out-days = Left out: people who converted in the last { $days } days, and everyone who opted out.
left-out-ever = Left out: people who ever converted, and everyone who opted out.
sentence-without = People in { $segments } are left out, too.
sentence-control = { $percent }% of them are kept out of delivery as a control group.
control-none = None
control-percent = { $percent }% of the picked
converted-never = Nobody (keep people who converted)
converted-days = Converted in the last { $days } days
converted-ever = Ever converted

line-missed = :warning: Promises for this product missed more often than chance explains.
state-queued = waiting
state-running = running
state-delivering = being delivered
state-done = done
state-failed = failed
state-cancelled = cancelled

place-same = The same segment is already on its way as #{ $number }; you get it, too, as soon as it is built.
place-unknown = Waiting for a free place.
place-position = { $position ->
    [1] Next in line.
   *[other] Number { $position } in line.
}
place-soon = { $position ->
    [1] Next in line; starts in a moment.
   *[other] Number { $position } in line; starts in a moment.
}
place-eta = { $position ->
    [1] Next in line; starts in about { $wait }.
   *[other] Number { $position } in line; starts in about { $wait }.
}
place-eta-within = { $position ->
    [1] Next in line; starts within about { $wait }.
   *[other] Number { $position } in line; starts within about { $wait }.
}
place-eta-range = { $position ->
    [1] Next in line; starts in about { $soonest } to { $latest }.
   *[other] Number { $position } in line; starts in about { $soonest } to { $latest }.
}
duration-seconds = { $seconds } s
duration-minutes = { $minutes } min
duration-minutes-seconds = { $minutes } min { $seconds } s
duration-hours = { $hours } h { $minutes } min
