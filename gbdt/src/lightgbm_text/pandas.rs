//! The values of pandas' categories, which a model's last line lists: `pandas_categorical:[["osaka", "tokyo"], [1, 2]]`.
//! Code `i` of a categorical feature is the `i`-th value of its list; lists are in the order of the features.

use serde_json::Value;

use super::LightGbmTextError;

const LINE: &str = "pandas_categorical:";

/// For each feature, what its codes are called; nothing where it has no list. `infos` is the line `feature_infos`: `none`
/// for a feature that always had the same value, `[low:high]` for numbers, `code:code:…` for categories.
pub(super) fn names<'a>(
    mut rest: impl Iterator<Item = &'a str>,
    infos: Option<&str>,
    features: usize,
) -> Result<Vec<Vec<String>>, LightGbmTextError> {
    let none = vec![Vec::new(); features];
    let Some(line) = rest.find_map(|line| line.strip_prefix(LINE)) else { return Ok(none) };
    let lists: Option<Vec<Vec<Value>>> = serde_json::from_str(line).map_err(|_| LightGbmTextError::PandasLine)?;
    let lists = lists.unwrap_or_default();
    if lists.is_empty() {
        return Ok(none);
    }
    let infos: Vec<&str> = infos.unwrap_or_default().split_whitespace().collect();
    let of_kind = |wanted: &dyn Fn(&str) -> bool| -> Vec<usize> {
        infos.iter().enumerate().filter(|(_, info)| wanted(info)).map(|(place, _)| place).collect()
    };
    let is_category = |info: &str| info != "none" && !info.starts_with('[');
    let categories = of_kind(&is_category);
    let with_constant = of_kind(&|info| is_category(info) || info == "none");
    let places = [&categories, &with_constant].into_iter().find(|places| places.len() == lists.len());
    let Some(places) = places else {
        return Err(LightGbmTextError::PandasColumns { lists: lists.len(), features: categories.len() });
    };
    let mut names = none;
    for (place, list) in places.iter().zip(&lists) {
        if let Some(names) = names.get_mut(*place) {
            *names = list.iter().map(name).collect();
        }
    }
    Ok(names)
}

/// A value as tables show it: a whole number without a fraction.
fn name(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => (float + 0.0).to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, infos: &str) -> Result<Vec<Vec<String>>, LightGbmTextError> {
        names([line].into_iter(), Some(infos), infos.split(' ').count())
    }

    #[test]
    fn lists_belong_to_the_categorical_features_in_their_order() {
        let line = "pandas_categorical:[[\"osaka\", \"tokyo\"], [1, 2.0, 2.5], [false, true]]";
        let names = read(line, "0:1 [-1:2] 0:1:2 1:0").unwrap();
        assert_eq!(names, [vec!["osaka", "tokyo"], vec![], vec!["1", "2", "2.5"], vec!["false", "true"]]);
        assert_eq!(read(line, "0:1 none 1:0").unwrap()[1], ["1", "2", "2.5"], "one had a single value");
        let error = read(line, "0:1 [0:1] 1:0").unwrap_err();
        assert_eq!(error, LightGbmTextError::PandasColumns { lists: 3, features: 2 });
        assert_eq!(read("pandas_categorical:null", "0:1").unwrap(), [Vec::<String>::new()]);
        assert_eq!(read("pandas_categorical:[", "0:1").unwrap_err(), LightGbmTextError::PandasLine);
    }
}
