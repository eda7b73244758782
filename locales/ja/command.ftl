# スラッシュコマンドへの返答
help =
    *条件を指定すると、転換が最も見込める人のCSVが同じスレッドに届きます。*
    • `/segment`：フォームを開く
    • `/segment product=skincare gender=f age=25-39 region=tokyo,osaka size=5000`：入力済みのフォームを開く。`--go` を付けるとすぐに開始します
    • `/segment products`：指定できる商品の一覧
    • `/segment list`：最近の依頼の一覧
    • `/segment show 128`：依頼の状況　`/segment cancel 128`：取り消し　`/segment rerun 128`：同じ条件でフォームを開く
    スレッドの中ではスラッシュコマンドを使えません。メッセージのショートカット「Build a segment here」を使うか、私にメンションしてください。
products-intro = *指定できる商品*
list-intro = *最近の依頼*
list-empty = まだ依頼はありません。`/segment` で始められます。
command-unknown = `{ $word }` は分かりませんでした。
command-needs-number = どの依頼でしょうか？ `/segment { $command } 128` のように番号を付けてください。
command-no-such-request = 依頼 #{ $number } は見つかりませんでした。
cancel-now = 依頼 #{ $number } を取り消しました。
cancel-stopping = 依頼 #{ $number } を停止しています。
cancel-too-late = 依頼 #{ $number } はもう取り消せません（{ $state }）。
action-not-yours = この操作は <@{ $user }> さんか管理者だけが行えます。
retry-not-failed = 再試行するものがありません。依頼は失敗していないか、すでに再開しています。
database-away = 現在データベースに接続できないため、何も開始・変更していません。少し待ってからもう一度お試しください。
form-did-not-open = Slackの応答が遅く、フォームを開けませんでした。ボタンから開いてください。
form-try-again = フォームを開けませんでした。もう一度ボタンを押してください。
mention-answer = 承ります。結果はこのスレッドに届きます。
