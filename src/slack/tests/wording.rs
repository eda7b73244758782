//! The words that people read in a thread.

use super::*;

/// A message as a person reads it.
fn read(message: &blocks::Message) -> String {
    let blocks = Value::Array(message.blocks.clone());
    mrkdwn(&blocks).join("\n---\n")
}

#[test]
fn the_root_message_tells_how_far_it_is() {
    let (catalog, texts) = (sample(), Texts::load().unwrap());
    let shown = |state, locale| {
        let place = Some(QueuePosition { position: 3, eta: Some(Eta { soonest: 55, likely: 58, latest: 61 }) });
        read(&messages::root(&catalog, texts.say(locale), &request(state, None), place))
    };
    insta::assert_snapshot!(shown(RequestState::Queued, Locale::En), @r"
    *#128 Skincare*
    Number 3 in line; starts in about 1 min.
    ---
    The 5,000 people most likely to respond to Skincare, among Women aged 25–39 in Hokkaido, Kanto, Aomori, Kagoshima, Okinawa. Left out: people who converted in the last 90 days, and everyone who opted out.
    ");
    insta::assert_snapshot!(shown(RequestState::Running, Locale::En), @r"
    *#128 Skincare*
    Step 3 of 4: scoring people, 4,200,000 of 10,000,000.
    ---
    The 5,000 people most likely to respond to Skincare, among Women aged 25–39 in Hokkaido, Kanto, Aomori, Kagoshima, Okinawa. Left out: people who converted in the last 90 days, and everyone who opted out.
    ");
    insta::assert_snapshot!(shown(RequestState::Done, Locale::Ja), @r"
    *#128 スキンケア*
    38秒で完了しました。ファイルはこのスレッドにあります。
    ---
    北海道、関東、青森県、鹿児島県、沖縄県の25〜39歳の女性のうち、「スキンケア」に反応する見込みが最も高い5,000人を選びます。過去90日以内に購入した人と、広告を希望しない人は除外します。
    ");
}

#[test]
fn a_failure_says_what_happened_what_to_do_and_whom_to_ask() {
    let (catalog, texts) = (sample(), Texts::load().unwrap());
    let failed = |failure| request(RequestState::Failed, Some(failure));
    let small = failed(Failure::TooSmall { people: 12, smallest: 100 });
    insta::assert_snapshot!(read(&messages::root(&catalog, texts.say(Locale::En), &small, None)), @r"
    *#128 Skincare*
    Only 12 people are left. A segment has at least 100 people, so that nobody can be singled out.
    *What you can do:* press “Change and run again” and allow more ages, regions or genders, or leave out fewer people.
    Questions? Ask the data team (#ask-data). Reference: 0a1b2c3d
    ---
    The 5,000 people most likely to respond to Skincare, among Women aged 25–39 in Hokkaido, Kanto, Aomori, Kagoshima, Okinawa. Left out: people who converted in the last 90 days, and everyone who opted out.
    ");
    let away = failed(Failure::StorageUnreachable);
    insta::assert_snapshot!(read(&messages::root(&catalog, texts.say(Locale::Ja), &away, None)), @r"
    *#128 スキンケア*
    データの保管場所から応答がありませんでした。
    *できること：* 数分後に「もう一度試す」を押してください。
    解決しないときは、照会番号 0a1b2c3d を添えて the data team (#ask-data) にお問い合わせください。
    ---
    北海道、関東、青森県、鹿児島県、沖縄県の25〜39歳の女性のうち、「スキンケア」に反応する見込みが最も高い5,000人を選びます。過去90日以内に購入した人と、広告を希望しない人は除外します。
    ");
}

/// A summary with one row of each kind, short enough to read.
fn short_summary(feature: &str) -> Summary {
    let mut summary = summary(feature);
    summary.breakdown.region.drain(..4);
    summary.breakdown.region.truncate(4);
    summary.breakdown.age.clear();
    summary.rules.truncate(1);
    summary.factors.truncate(1);
    summary
}

#[test]
fn the_result_is_told_in_numbers_and_words() {
    let (catalog, texts) = (sample(), Texts::load().unwrap());
    let summary = short_summary("Orders, last 30 days");
    let done = request(RequestState::Delivering, None);
    insta::assert_snapshot!(read(&result::message(&catalog, texts.say(Locale::En), &done, &summary)), @"
    <@U1> #128 Skincare is ready: 5,000 people.
    ---
    *How it came to 5,000 people*
    1,000,000 people in the data
    200,000 meet your conditions
    − 9,000 opted out
    − 4,000 converted before
    = 187,000 could be picked
    *5,000 delivered*, the most likely first
    ---
    *Strong* — AUC 0.81 (0.80–0.82) among people who met your conditions and whom the model had not learned from. Expect 1,260 conversions; in nine of ten cases 1,190 to 1,331. Among as many people picked at random: 370 (3.4×). Had you asked on 2026-10-25 with the same words, 1,204 of the 10,000 people would have converted; at random 371. With 95 % certainty the order found 3.0 to 3.4 times as many as chance; the grade follows from that.
    ---
    *Who they are, roughly* (these rules agree with the segment for 83% of people; half would be chance)
    • Orders, last 30 days at most 30 and Orders, last 30 days above 2.5: 42% of the segment
    ---
    *What made the difference*
    • Orders, last 30 days: higher than others (31%)
    ---
    *Region*
    Orders, last 30 days: &lt;10 (–; of all who could be picked 0.6%)
    Orders, last 30 days: &lt;10 (–; of all who could be picked 0.8%)
    Orders, last 30 days: 120 (2.4%; of all who could be picked 1.0%)
    Orders, last 30 days: 140 (2.8%; of all who could be picked 1.1%)
    ---
    Data up to 2026-11-22; learned from 12,345 conversions; an existing model was used. Built in 38 s. Reference 0a1b2c3d. Groups of few people are hidden.
    ");
}

#[test]
fn the_result_is_told_in_japanese_too() {
    let (catalog, texts) = (sample(), Texts::load().unwrap());
    let summary = short_summary("直近30日の注文");
    let done = request(RequestState::Delivering, None);
    insta::assert_snapshot!(read(&result::message(&catalog, texts.say(Locale::Ja), &done, &summary)), @"
    <@U1> さん、#128 スキンケア ができました（5,000人）。
    ---
    *5,000人になるまで*
    データにある人：1,000,000人
    条件に合う人：200,000人
    − 広告を希望しない人：9,000人
    − 購入済みの人：4,000人
    = 選べる人：187,000人
    *届けた人：5,000人* （見込みの高い順）
    ---
    *精度：高い* — 条件に合う人のうち、モデルが学習していない人で測ったAUCは 0.81（0.80〜0.82）です。購入は 1,260 件と見込まれます（10回中9回は 1,190〜1,331 件）。同じ人数を無作為に選んだ場合は 370 件です（3.4 倍）。2026-10-25 に同じ条件で依頼していたら、10,000 人のうち 1,204 人が購入していました。無作為なら 371 人です。この順位で見つかる購入は、95 % の確かさで無作為の 3.0〜3.4 倍です。評価はこれに基づきます。
    ---
    *おおよその特徴* （83% の人で、セグメントと一致します。偶然なら半分です）
    • 直近30日の注文が 30 以下 かつ 直近30日の注文が 2.5 より多い：セグメントの 42%
    ---
    *違いを生んだ要因*
    • 直近30日の注文：ほかの人より高い（31%）
    ---
    *地域*
    直近30日の注文：&lt;10人（–、選べる人全体では 0.6%）
    直近30日の注文：&lt;10人（–、選べる人全体では 0.8%）
    直近30日の注文：120人（2.4%、選べる人全体では 1.0%）
    直近30日の注文：140人（2.8%、選べる人全体では 1.1%）
    ---
    2026-11-22 までのデータを使用。12,345 件の購入から学習（作成済みのモデルを使用）。作成時間 38秒。照会番号 0a1b2c3d。人数の少ない項目は表示していません。
    ");
}
