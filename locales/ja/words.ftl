### 条件、人数、状態、時間の言い方。

title-named = #{ $number } { $name }（{ $product }）
title-unnamed = #{ $number } { $product }
size-people = { $people }人
size-percent = 上位{ $percent }%
sentence-wanted = { $people }のうち、「{ $product }」に反応する見込みが最も高い{ $size }を選びます。
people = { $attributes }{ $region }{ $age }{ $gender }
people-everyone = すべての人
people-age = { $from }〜{ $to }歳の
people-region = { $regions }の
people-attribute = { $name }が{ $choices }の、
regions-and-more = { $shown }ほか{ $more }件
left-out-opted-out = 広告を希望しない人は除外します。
left-out-days = 過去{ $days }日以内に購入した人と、広告を希望しない人は除外します。
left-out-ever = 購入したことのある人と、広告を希望しない人は除外します。
sentence-without = { $segments } にいる人も除外します。
sentence-control = そのうち{ $percent }%は、コントロール群として配信に含めません。
control-none = 設けない
control-percent = 選んだ人の{ $percent }%
converted-never = 除外しない
converted-days = 過去{ $days }日以内に購入した人
converted-ever = 購入したことのある人

line-missed = :warning: この商品の見込みは、偶然では説明できないほど外れています。
state-queued = 待機中
state-running = 実行中
state-delivering = 配信中
state-done = 完了
state-failed = 失敗
state-cancelled = 取り消し済み

place-same = 同じ条件のセグメントを #{ $number } で作成中です。完成しだい、こちらにもお届けします。
place-unknown = 順番を待っています。
place-position = { $position }番目に開始します。
place-soon = { $position }番目です。まもなく開始します。
place-eta = { $position }番目です。約{ $wait }後に開始します。
place-eta-within = { $position }番目です。{ $wait }以内に開始する見込みです。
place-eta-range = { $position }番目です。約{ $soonest }〜{ $latest }後に開始します。
duration-seconds = { $seconds }秒
duration-minutes = { $minutes }分
duration-minutes-seconds = { $minutes }分{ $seconds }秒
duration-hours = { $hours }時間{ $minutes }分
