-- Entry point on the runtimepath: the command and the <Plug> mappings. Nothing is loaded, and no server runs, until `setup()` is called.

if vim.g.loaded_pilotlight then
  return
end
vim.g.loaded_pilotlight = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.api.nvim_echo({ { 'pilotlight: needs Neovim 0.11 or newer; this is ' .. tostring(vim.version()), 'WarningMsg' } }, true, {})
  return
end

vim.api.nvim_create_user_command('Pilotlight', function(args)
  require('pilotlight.commands').run(args.fargs)
end, {
  nargs = '*',
  desc = 'Pilotlight: ghost text from a local model',
  complete = function(lead, line)
    return require('pilotlight.commands').complete(lead, line)
  end,
})

-- <C-g>u before and after: an accepted suggestion is one step for `u`, apart from what was typed around it.
for plug, call in pairs({
  ['accept'] = '").accept("all")',
  ['accept-word'] = '").accept("word")',
  ['accept-line'] = '").accept("line")',
  ['next-edit'] = '.next_edit").accept()',
}) do
  vim.keymap.set('i', ('<Plug>(pilotlight-%s)'):format(plug), ('<C-g>u<Cmd>lua require("pilotlight%s<CR><C-g>u'):format(call), {
    desc = 'Pilotlight: ' .. plug:gsub('-', ' '),
  })
end
vim.keymap.set('n', '<Plug>(pilotlight-next-edit)', '<Cmd>lua require("pilotlight.next_edit").accept()<CR>', { desc = 'Pilotlight: next edit' })
for plug, call in pairs({
  ['next'] = 'select(1)',
  ['previous'] = 'select(-1)',
  ['dismiss'] = 'dismiss()',
  ['suggest'] = 'suggest()',
}) do
  vim.keymap.set('i', ('<Plug>(pilotlight-%s)'):format(plug), ('<Cmd>lua require("pilotlight").%s<CR>'):format(call), {
    desc = 'Pilotlight: ' .. plug,
  })
end
vim.keymap.set({ 'n', 'i' }, '<Plug>(pilotlight-toggle)', '<Cmd>lua require("pilotlight").toggle()<CR>', { desc = 'Pilotlight: toggle' })
