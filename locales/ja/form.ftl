### フォーム、その確認画面、依頼を受けられない理由。

form-title = セグメントを作成
form-submit = 作成する
form-close = 閉じる
form-name = キャンペーン名
form-name-placeholder = 春のキャンペーン
form-product = 商品
form-product-placeholder = 広告する商品を選んでください
form-product-not-ready = { $product }（準備中：購入 { $found } / { $needed } 件）
form-gender = 性別
form-gender-hint = 選ばなければ、すべての人が対象です。
form-everyone = すべての人
form-age-from = 年齢（下限）
form-age-to = 年齢（上限）
form-age-any = 指定なし
form-age-years = { $age }歳
form-areas = 地方
form-areas-hint = 選ばなければ、全国が対象です。
form-everywhere = 全国
form-regions = 地域をしぼる
form-regions-hint = 選んだ地方の中でしぼり込みます。ほかの地方の地域を選ぶと、追加されます。
form-attribute-hint = 選ばなければ、わからない人も含めてすべての人が対象です。
form-any = 指定なし
form-regions-other = その他の地域
form-size = 人数
form-size-placeholder = 何人に届けますか
form-size-exact = 人数を直接入力
form-size-exact-placeholder = 5,000
form-size-exact-hint = 入力すると、上の選択より優先されます。{ $min } 人から { $max } 人まで、または 5% のような割合で入力してください。
form-converted = 購入済みの人の除外
form-converted-usual = 商品の標準設定に従う
form-without = 以前のセグメントにいる人の除外
form-without-placeholder = 自分のセグメント
form-control = コントロール群
form-control-usual = 商品の標準設定に従う
form-control-hint = ほかの人と同じように選びますが、キャンペーンの効果を測るため、どのファイルにも含めません。
form-opted-out = 広告を希望しない人は、常に除外されます。
form-deliver = 届け先
form-deliver-thread = このチャンネルのスレッド
form-deliver-this-thread = このスレッド
form-deliver-dm = 自分へのダイレクトメッセージ
form-did-not-open = フォームを時間内に開けませんでした。ボタンを押してください。
form-try-again = フォームを開けませんでした。もう一度ボタンを押してください。
button-open-form = フォームを開く
mention-answer = どのような人に届けたいですか？結果はこのスレッドにお届けします。

estimate-choose = 商品を選ぶと、対象になる人数をお知らせします。
estimate-counting = 人数を数えています…
estimate-away = 今は人数を数えられません。このままでも作成できます。
estimate-audience = { "*" }選べる人：{ $eligible }人*（条件に合う人 { $matching }人 − 広告を希望しない人 { $opted_out }人 − 購入済みの人 { $converted }人）。{ $all ->
    [yes] 全員が選ばれます。
   *[no] そのうち、見込みの高い順に { $asked } 人が選ばれます。
}
estimate-at-most = 条件に合う人 { $matching }人 − 広告を希望しない人 { $opted_out }人。購入済みの人数を数えられるのは、過去30日・90日・180日の場合です。
estimate-age-unknown = 年齢が不明なため除外される人：{ $people } 人（ほかの条件は満たしています）
estimate-too-small = セグメントは { $smallest } 人以上必要なため、人数が足りません。
estimate-without-region = 地域の条件を外すと { $people } 人になります。
estimate-without-age = 年齢の条件を外すと { $people } 人になります。
estimate-without-gender = 性別の条件を外すと { $people } 人になります。
estimate-without-attributes = { $attributes }の条件を外すと { $people } 人になります。
estimate-without-converted = 購入済みの人も含めると { $people } 人になります。
estimate-learning = 学習に使える購入：{ $found } 件（必要な件数：{ $needed } 件）。
estimate-too-few = 学習に使える購入が { $found } 件しかありません（必要な件数：{ $needed } 件）。似た商品を選んでください。
estimate-time = 通常、{ $duration }ほどで作成できます。
estimate-earlier = 以前のセグメントにいる人は、作成するときに除外されます。
estimate-as-of = { $as_of } までのデータです。
button-count = もう一度数える

offer-title = すでにあります
offer-text = *{ $title }* は、同じデータから同じ条件で作成したセグメントです。作り直さなくても、すぐにファイルをお届けできます。
button-use-same = #{ $number } を使う
button-build-anyway = 新しく作成する

confirmation-title = 依頼を受け付けました
confirmation-close = 閉じる
arrives-dm = 結果は、あなたへのダイレクトメッセージでお届けします。
arrives-channel = 結果は、<#{ $channel }> のスレッドにお届けします。
arrives-this-thread = 結果は、<#{ $channel }> の元のスレッドにお届けします。

refusal-product = この商品は、ここでは依頼できません。担当チームのチャンネルで依頼してください。
refusal-too-few = この商品の購入は { $found } 件しかなく、学習には { $needed } 件以上が必要なため、何も開始していません。対象の広い商品や、期間の長い商品なら、より多くの購入があります。
refusal-outsider = このアプリは、導入した会社の方だけがご利用いただけます。
refusal-not-member = このチャンネルに参加していないため、ファイルを届けられません。/invite で招待するか、ダイレクトメッセージを選んでください。
refusal-shared = 社外の人も読めるチャンネルのため、ファイルを届けられません。ダイレクトメッセージを選んでください。
refusal-archived = アーカイブされたチャンネルです。ダイレクトメッセージを選んでください。
refusal-unsure = ファイルを届けられるかどうかを時間内に確認できませんでした。もう一度送信するか、ダイレクトメッセージを選んでください。
