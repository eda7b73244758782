# アプリのホーム
home-title = セグメント
home-intro = 条件を指定すると、転換が最も見込める人のCSVが数分で届きます。
home-requests = *最近の依頼*
home-ask = ご質問は { $owner } へどうぞ。
