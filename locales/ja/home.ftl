### アプリのホーム。

home-title = セグメント
home-intro = 届けたい相手の条件を指定すると、反応が見込める人をCSVファイルでお届けします。
home-requests = *これまでの依頼*
home-ask = ご不明な点は、{ $owner } にお問い合わせください。
