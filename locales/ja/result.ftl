# スレッドの最後に届く結果
result-ready = <@{ $user }> さん、{ $title } ができました（{ $people }人）。
result-waterfall =
    *対象者の内訳*
    全体 { $people }人 → 条件に合う人 { $matching }人 → 配信停止 { $opted_out }人 → 転換済み { $converted }人 → 対象 { $eligible }人 → *抽出 { $delivered }人*
result-quality = *精度：* { $grade }。モデルが一度も見ていない人でのAUCは { $auc }（{ $low }〜{ $high }）です。
result-expected = 同じ人数を無作為に選ぶと転換は約{ $random }件の見込みですが、このセグメントでは{ $expected } ± { $margin }件（{ $lift }倍）の見込みです。
result-expected-everyone = 対象者全員が入っているため選別はしていません。転換は{ $expected } ± { $margin }件の見込みです。
result-later = 次の期間で検証してもAUCは { $auc } です。
grade-weak = 弱い
grade-fair = まずまず
grade-good = 良い
grade-very-good = とても良い
result-rules = *言葉でまとめると*（この要約とセグメントの一致度は{ $fidelity }）
rule = • { $parts } — セグメントの{ $share }
rule-and = かつ
rule-at-most = { $feature }が{ $value }以下
rule-above = { $feature }が{ $value }より大きい
result-factors = *影響の大きい要因*
factor = • { $feature }：{ $direction }（モデルへの寄与{ $share }）
direction-higher = セグメントで高い
direction-lower = セグメントで低い
direction-mixed = 両方向に効く
breakdown-age = 年齢
breakdown-gender = 性別
breakdown-region = 地域
breakdown-row = { $label }：{ $count }人（{ $share }、対象者では{ $everyone }）
breakdown-more = ほか{ $more }件
model-reused = 既存のモデルを使用
model-trained = この依頼のために学習
result-provenance = { $as_of }までのデータ・学習に使った転換{ $positives }件・{ $model }・所要時間{ $duration }・参照番号 { $reference }
