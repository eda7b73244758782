### 運用担当者のチャンネルへのメッセージ：失敗を、原因ごとに一つにまとめる。

incident-open =
    { "*" }{ $what }*
    { $count } 件の依頼が失敗しました。最初は{ $since }、最後は{ $last }です。
    { $look }
incident-resolved =
    { "*" }解決しました：{ $what }*
    { $count } 件の依頼が失敗しました。最初は{ $since }、最後は{ $last }です。
incident-missed-open =
    { "*" }{ $what }*
    { $count } 件のセグメントを注意書き付きで届けました。最初は{ $since }、最後は{ $last }です。
    { $look }
incident-missed-resolved =
    { "*" }見られなくなりました：{ $what }*
    { $count } 件のセグメントを注意書き付きで届けました。最初は{ $since }、最後は{ $last }です。
incident-examples = 最近の例：{ $examples }。この照会番号で、ログに詳細があります。
incident-example = #{ $number } `{ $reference }`

incident-too-few = 学習に必要な購入が足りない商品があります。
incident-no-snapshot = 十分に新しいデータがありません。
incident-data = データを、カタログに書かれた形で読み取れませんでした。
incident-storage = データの保管場所から応答がありませんでした。
incident-worker = セグメントを作成中のワーカーが停止しました。
incident-too-long = 依頼が時間の上限を超えました。
incident-refused = Slackがファイルまたはメッセージを拒否しています：`{ $reason }`
incident-slack-away = 再試行を続けましたが、Slackに接続できませんでした。
incident-unconfirmed = Slackはファイルを受け取りましたが、表示していません。
incident-suppression = 連絡してはいけない方のリストが失われたか壊れているため、作成も配信も止めています。
incident-missed = `{ $product }` の見込みが、偶然では説明できないほど範囲を外れています。
incident-internal = プログラムの内部で不具合が起きました。

look-too-few = 購入が増えるか、カタログの `min_conversions` を下げるまで、この商品の依頼は失敗します。
look-no-snapshot = 夜間の処理を確認してください。`segment-bot features build` は実行されましたか？
look-data = `segment-bot doctor` を実行すると、カタログとテーブルを比べられます。
look-storage = バケットまたはフォルダと、そこまでのネットワークを確認してください。`segment-bot doctor` が読み取りを試します。
look-worker = マシンのメモリと、ワーカーのログを確認してください。
look-too-long = マシンの負荷と、ワーカーのログを確認してください。
look-refused = アプリの権限、ファイルに関するワークスペースの規則、届け先のチャンネルを確認してください。
look-slack-away = ファイルは保管しています。Slackが応答するようになったら、依頼の「もう一度試す」で送れます。
look-unconfirmed = 依頼した人は、スレッドを確認し、「もう一度送る」を押せます。
look-suppression = DATABASE_URL を設定して `segment-bot suppression upload` をもう一度実行してください。リストが不要なら `suppression clear` です。その後「もう一度試す」を押してください。
look-missed = 商品やデータに変化がないか確認してください（キャンペーン、価格、遅れて届くテーブルなど）。数値は `segment-bot segment create --json` で確認できます。
look-internal = segment-botの不具合です。場所はログにあります。
