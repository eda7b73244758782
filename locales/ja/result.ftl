### 結果：人数、精度、どのような人か。

result-ready = <@{ $user }> さん、{ $title } ができました（{ $people }人）。
result-link = `{ $file }`（{ $size } MB）はSlackには大きすぎます：<{ $url }|こちらからダウンロード>してください。リンクは{ $days }日間有効です。リンクを知る人は誰でもファイルを取得できます。
result-folder = `{ $file }`（{ $size } MB）はSlackには大きすぎます。{ $owner } に依頼してください。保管場所は `{ $place }` です。
result-waterfall =
    { "*" }{ $delivered }人になるまで*
    データにある人：{ $people }人
    条件に合う人：{ $matching }人
    − 広告を希望しない人：{ $opted_out }人
    − 購入済みの人：{ $converted }人
    = 選べる人：{ $eligible }人
    { "*" }届けた人：{ $delivered }人* （見込みの高い順）
result-waterfall-control =
    { "*" }{ $delivered }人になるまで*
    データにある人：{ $people }人
    条件に合う人：{ $matching }人
    − 広告を希望しない人：{ $opted_out }人
    − 購入済みの人：{ $converted }人
    = 選べる人：{ $eligible }人
    選んだ人：{ $picked }人（見込みの高い順）
    − コントロール群：{ $control }人（効果を測るため、どのファイルにも含めません）
    { "*" }届けた人：{ $delivered }人*
result-quality = *精度：{ $grade }* — モデルが見ていない人で測ったAUCは { $auc }（{ $low }〜{ $high }）です。
result-expected = 同じ人数を無作為に選んだ場合の購入は { $random } 件、このセグメントでは { $expected } ± { $margin } 件（{ $lift } 倍）と見込まれます。
result-expected-everyone = 選べる人が全員含まれるため、順位付けによる違いはありません。購入は { $expected } ± { $margin } 件と見込まれます。
result-later = その後の期間で測ったAUCは { $auc } です。
grade-weak = 低い
grade-fair = まずまず
grade-good = 良い
grade-very-good = とても良い
result-rules = *おおよその特徴* （{ $fidelity } の人で、セグメントと一致します。偶然なら半分です）
rule = • { $parts }：セグメントの { $share }
rule-and = かつ
rule-at-most = { $feature }が { $value } 以下
rule-above = { $feature }が { $value } より多い
result-factors = *違いを生んだ要因*
factor = • { $feature }：{ $direction }（{ $share }）
direction-higher = ほかの人より高い
direction-lower = ほかの人より低い
direction-mixed = 高い人も低い人もいる
breakdown-age = 年齢
breakdown-gender = 性別
breakdown-region = 地域
breakdown-row = { $label }：{ $count }人（{ $share }、選べる人全体では { $everyone }）
breakdown-more = … ほか { $more } 件
model-reused = 作成済みのモデルを使用
model-trained = 新しくモデルを作成
result-provenance = { $as_of } までのデータを使用。{ $positives } 件の購入から学習（{ $model }）。作成時間 { $duration }。照会番号 { $reference }。人数の少ない項目は表示していません。
