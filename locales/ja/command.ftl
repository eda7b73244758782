### /segment の返事と、入力の間違い。

help =
    { "*" }使い方*
    `/segment` でフォームを開きます。
    `/segment product=… gender=… age=25-39 region=… size=5000` で、入力済みのフォームを開きます。`--go` を付けると、すぐに開始します。
    `/segment products` で、広告できる商品の一覧を表示します。
    `/segment list` で、これまでの依頼を表示します。
    `/segment show 128`、`cancel 128`、`rerun 128` で、依頼 #128 の表示・取り消し・再依頼ができます。
    ほかに、`converted=90d`（または `never`、`ever`）で購入済みの人を、`without=128,121` で以前のセグメントにいる人を除き、`control=10%` でコントロール群を設け、`name="春のキャンペーン"` で名前を付けられます。
    スレッドの中では、メンションするか、メッセージのショートカットをお使いください。結果もそのスレッドに届きます。
help-attributes = { $attributes }でも条件を付けられます（例：`{ $example }`）。
command-unknown = 「{ $word }」という言葉はわかりません。
command-needs-number = 依頼の番号を付けてください（例：`/segment { $command } 128`）。番号は `/segment list` で確認できます。
command-no-such-request = あなたの依頼 #{ $number } は見つかりません。`/segment list` で確認できます。
products-intro = *広告できる商品* （最初の言葉を `product=…` に入力します）
list-intro = *これまでの依頼*
list-empty = まだ依頼はありません。`/segment` でフォームを開けます。
database-away = ただいま記録に接続できないため、処理できませんでした。これまでの依頼は失われていません。1分ほど待って、もう一度お試しください。
database-refuses = 記録が処理を受け付けないため、実行できませんでした。待っても直りませんので、{ $owner } に連絡してください（原因はサービスのログにあります）。これまでの依頼は失われていません。

problem-intro = 入力に使えないものがあるため、何も開始していません。
problem-outro = 書き方は `/segment help` で確認できます。`/segment` だけでフォームが開きます。
problem-unknown-key = 「{ $word }」は使えない言葉です。使えるのは { $accepted } です。
problem-unknown-value = 「{ $value }」は{ $field }として使えません。使えるのは { $accepted } です。
problem-nearest = `{ $word }` のことでしょうか？
problem-and-more = { $shown } ほか { $more } 件
problem-missing = { $field }を選んでください。
problem-no-value = 「{ $word }」の値がありません。{ $word }=… のように書いてください。
problem-twice = 「{ $word }」が2回書かれています。
problem-open-quote = 引用符が閉じられていません。
problem-two-readings = `{ $text }` は2通りに読めます：`{ $one }` または `{ $other }`。どちらかの形で書いてください。
problem-age-order = 年齢は小さい順に指定してください（{ $from } は { $to } より上です）。
problem-age-value = 「{ $value }」は年齢として使えません。{ $min } から { $max } までで、25-39 のように指定してください。
problem-size-value = 「{ $value }」は人数として使えません。{ $min } 人から { $max } 人まで、または 5% のような割合で指定してください。
problem-control-value = 「{ $value }」はコントロール群の割合として使えません。0% から { $max }% までで指定してください。
problem-segment-value = 「{ $value }」は以前のセグメントとして使えません。完成した自分の依頼の番号を、128 のように指定してください。
problem-name-length = キャンペーン名が { $chars } 文字あります。{ $max } 文字以内にしてください。

field-name = キャンペーン名
field-product = 商品
field-gender = 性別
field-age = 年齢
field-region = 地域
field-size = 人数
field-without = 除外するセグメント
field-control = コントロール群
field-converted = 除外の条件

cancel-now = 依頼 #{ $number } を取り消しました。
cancel-stopping = 依頼 #{ $number } を停止しています。数秒かかります。
cancel-too-late = 依頼 #{ $number } は「{ $state }」のため、取り消せません。
retry-not-failed = この依頼は止まっていないため、やり直す必要はありません。
action-not-yours = この操作は、<@{ $user }> さんと管理者だけができます。
